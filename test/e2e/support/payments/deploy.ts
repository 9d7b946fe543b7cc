import { readOutputs } from '../../../../cli/outputs.ts';
import { settings } from '../../../../cli/support/paths.ts';
import { bootstrap, deployApp } from '../../../../local/cdk.ts';

/**
 * Deploys the app of this folder to the running local AWS and prints its outputs in JSON. It is a program of its own,
 * because Jest cannot load the ES modules with which the CDK is run. An argument selects another region, which it bootstraps
 * first.
 */
const { directory } = settings();
const { endpoint, account, access_key_id, secret_access_key, ...outputs } = readOutputs(directory);
const region = process.argv[2] ?? outputs.region;
const emulator = {
  endpoint,
  account,
  region,
  accessKeyId: access_key_id,
  secretAccessKey: secret_access_key,
};
const deployment = { emulator, directory };
if (region !== outputs.region) await bootstrap(deployment, () => undefined);
const deployed = await deployApp(import.meta.dirname, deployment, () => undefined);
process.stdout.write(JSON.stringify(deployed));
