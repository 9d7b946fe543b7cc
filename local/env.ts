import { readOutputs } from '../cli/outputs.ts';
import { programWithoutArguments } from '../cli/support/command.ts';
import { settings } from '../cli/support/paths.ts';

/** `npm run --silent env`: prints the deployed local AWS as shell variables, for curl and the AWS CLI. */
export const main = programWithoutArguments(
  'env',
  'Prints the endpoint, credentials and addresses of the local AWS as shell variables.',
  async () => {
    const outputs = readOutputs(settings().directory);
    const variables = {
      AWS_ENDPOINT_URL: outputs.endpoint,
      AWS_REGION: outputs.region,
      // Version 1 of the AWS CLI reads only this one.
      AWS_DEFAULT_REGION: outputs.region,
      AWS_ACCESS_KEY_ID: outputs.access_key_id,
      AWS_SECRET_ACCESS_KEY: outputs.secret_access_key,
      APP1_URL: outputs.app1.api_url,
      APP2_URL: outputs.app2.api_url,
      SERVICE_CLIENT_ID: outputs.app2.service_client_id,
    };
    for (const [name, value] of Object.entries(variables))
      process.stdout.write(`export ${name}='${value}'\n`);
    return 0;
  },
);
