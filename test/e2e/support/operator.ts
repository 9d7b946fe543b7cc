import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../../cli/support/paths.ts';
import type { Access } from '../../../local/cdk.ts';

/**
 * The environment of somebody who types what the documentation says, where AWS is a local one: the AWS and the CDK command
 * line as they come, pointed there by the variables that they know; settings of the CDK by the user's own `~/.cdk.json`.
 */
export function operatorOf(
  { endpoint, region, accessKeyId, secretAccessKey }: Access,
  settings: Record<string, unknown>,
): NodeJS.ProcessEnv {
  const home = mkdtempSync(join(tmpdir(), 'operator-'));
  writeFileSync(
    join(home, '.cdk.json'),
    JSON.stringify({
      context: settings,
      // On a terminal it would ask.
      requireApproval: 'never',
      output: join(home, 'cdk.out'),
    }),
  );
  return {
    ...onlyOf(process.env, 'LANG', 'TMPDIR'),
    PATH: [binOfAwsCli(), join(root, 'node_modules', '.bin'), process.env['PATH']].join(delimiter),
    HOME: home,
    NO_COLOR: '1',
    NODE_NO_WARNINGS: '1',
    CDK_HOME: join(home, 'cdk-home'),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    // The check of the templates is a unit test, and takes as long as making them.
    CDK_VALIDATION: 'false',
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    // The first command line that was made reads only this one.
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_PAGER: '',
  };
}

const onlyOf = (environment: NodeJS.ProcessEnv, ...names: string[]): NodeJS.ProcessEnv =>
  Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );

/** Installs the AWS command line of these tests where it is missing, by a process of its own. */
const installing = ['--import', 'tsx', join(root, 'test', 'e2e', 'aws-cli', 'install.ts')];

/** Installs it while something else is waited for. */
export const installAwsCli = () => promisify(execFile)(process.execPath, installing);

/** Says where it is, installed. */
function binOfAwsCli(): string {
  const python = execFileSync(process.execPath, installing, { encoding: 'utf8' });
  return dirname(python);
}
