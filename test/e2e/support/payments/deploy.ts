import { readOutputs } from '../../../../cli/outputs.ts';
import { settings } from '../../../../cli/support/paths.ts';
import { deployApp } from '../../../../local/cdk.ts';

/**
 * Deploys the app of this folder to the running local AWS and prints its outputs in JSON. It is a program of its own,
 * because Jest cannot load the ES modules with which the CDK is run.
 */
const { directory } = settings();
const { endpoint, region, access_key_id, secret_access_key } = readOutputs(directory);
const emulator = { endpoint, region, accessKeyId: access_key_id, secretAccessKey: secret_access_key };
const deployed = await deployApp(import.meta.dirname, { emulator, directory }, () => undefined);
process.stdout.write(JSON.stringify(deployed));
