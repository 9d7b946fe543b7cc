import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import { AccessRegisterStack } from './access-register-stack.ts';
import { readSettings } from './settings.ts';

/** The CDK app of a subscribing team. Account and region are those of the credentials; README.md describes the context. */
const app = new App();
const settings = readSettings(app.node);
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

const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
new AccessRegisterStack(app, 'AccessRegister', {
  description: 'Users with access to App2, from the audit events of App1 and App2',
  code: Code.fromAsset(bundle),
  ...settings,
  ...(account === undefined || region === undefined ? {} : { env: { account, region } }),
});
app.synth();
