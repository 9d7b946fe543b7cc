import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import * as z from 'zod';
import { apiUrl } from './connect.ts';
import { root } from './support/paths.ts';
import { profile, region } from './target-environment.ts';
import { by, duration } from './values.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

/** The program, with the options that every command has. */
export const base = () =>
  new Command('provision')
    .description(
      'Provisions service users at targets through App1: requests them, follows them, and explains failures.',
    )
    .version(version, '--version', 'print the version')
    .option('--json', 'print JSON, for scripts')
    .option('--aws', 'use AWS, also while a local AWS is up')
    .option('--profile <name>', "use AWS with this profile of AWS's configuration", by(profile))
    .option('--region <name>', 'use AWS in this region', by(region))
    .option('--api-url <url>', "URL of App1's API, if it has a custom domain name", by(apiUrl))
    .option(
      '--api-key-file <file>',
      'file with the API key, if App1 requires one in addition to the signature',
    );

export type Program = ReturnType<typeof base>;

/** The examples in the help of a command: a purpose and a command each. */
export const examples = (...rows: [purpose: string, command: string][]): string =>
  `\nExamples:\n${rows.map(([purpose, command]) => `  # ${purpose}\n  $ npx provision ${command}`).join('\n')}`;

/** The option for how long a command waits. A provisioning takes seconds, and hours while a target is not available. */
export const timeoutOption = (meaning: string) =>
  new Option('--timeout <time>', meaning).argParser(by(duration)).default(by(duration)('15m'), '15m');
