import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../../cli/support/paths.ts';
import type { Access } from '../../../local/cdk.ts';

/**
 * The environment of an operator who follows the documentation with a local AWS: the unchanged AWS CLI and CDK CLI, which
 * find the local AWS by their variables, and the settings of the CDK in the operator's `~/.cdk.json`.
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
      // On a terminal, the CDK CLI would prompt.
      requireApproval: 'never',
      output: join(home, 'cdk.out'),
    }),
  );
  return {
    ...pick(process.env, 'LANG', 'TMPDIR'),
    PATH: [binOfAwsCli(), join(root, 'node_modules', '.bin'), process.env['PATH']].join(delimiter),
    HOME: home,
    NO_COLOR: '1',
    NODE_NO_WARNINGS: '1',
    CDK_HOME: join(home, 'cdk-home'),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    // A unit test validates the templates; the validation of the CDK takes as long as the synthesis.
    CDK_VALIDATION: 'false',
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    // The AWS CLI version 1 reads only this variable.
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_PAGER: '',
  };
}

const pick = (environment: NodeJS.ProcessEnv, ...names: string[]): NodeJS.ProcessEnv =>
  Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );

/** Arguments of the process that installs the AWS CLI of these tests if it is missing. */
const installArguments = ['--import', 'tsx', join(root, 'test', 'e2e', 'aws-cli', 'install.ts')];

/** Installs the AWS CLI without blocking the process. */
export const installAwsCli = () => promisify(execFile)(process.execPath, installArguments);

/** Installs the AWS CLI if it is missing; returns the directory of its executable. */
function binOfAwsCli(): string {
  const python = execFileSync(process.execPath, installArguments, { encoding: 'utf8' });
  return dirname(python);
}
