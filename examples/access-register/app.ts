import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import { AccessRegisterStack } from './access-register-stack.ts';

/** The CDK app of a team that subscribes. Account and region are those of the credentials; README.md has the context. */
const app = new App();
const bundle = join(app.outdir, 'handler');
buildSync({
  entryPoints: [join(import.meta.dirname, 'handler.ts')],
  outfile: join(bundle, 'index.js'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'error',
});

/** The settings: where the buses are, when they are in another account. */
const SETTINGS = ['app1_bus_arn', 'app2_bus_arn'];
// A setting that is misspelt would be ignored, and the register would listen elsewhere. Keys of CDK's own have a colon or
// a slash in them, or are these two of its command line.
const foreign = Object.keys(app.node.getAllContext()).filter(
  (key) => ![...SETTINGS, 'acknowledged-issue-numbers', 'cli-telemetry'].includes(key) && !/[:/]/.test(key),
);
if (foreign.length > 0)
  throw new Error(`Not settings of this app: ${foreign.join(', ')}. There are: ${SETTINGS.join(', ')}.`);

const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
const arn = (name: string): string | undefined => app.node.tryGetContext(name);
new AccessRegisterStack(app, 'AccessRegister', {
  description: 'Who has access to App2, by the audit events of App1 and App2',
  code: Code.fromAsset(bundle),
  app1BusArn: arn('app1_bus_arn'),
  app2BusArn: arn('app2_bus_arn'),
  ...(account === undefined || region === undefined ? {} : { env: { account, region } }),
});
app.synth();
