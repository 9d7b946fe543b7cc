import { Command, Option } from '@commander-js/extra-typings';
import { apiUrl } from './connect.ts';
import { profile, region } from './target-environment.ts';
import { by, duration } from './values.ts';

/** The program, with the options that every command has. */
export const base = () =>
  new Command('provision')
    .description(
      'Service users at App2, provisioned by App1: asks for them, watches them, finds out what went wrong.',
    )
    .option('--json', 'print JSON, for scripts')
    .option('--aws', 'ask AWS, also while a local AWS is up')
    .option('--profile <name>', "ask AWS as this profile of AWS's configuration", by(profile))
    .option('--region <name>', 'ask AWS in this region', by(region))
    .option('--api-url <url>', "address of App1's API, where it has a name of its own", by(apiUrl))
    .option('--api-key-file <file>', 'file with the API key, where App1 wants one beside the signature');

export type Program = ReturnType<typeof base>;

/** Examples below the help of a command: what for, and what to type. */
export const examples = (...rows: [what: string, command: string][]): string =>
  `\nExamples:\n${rows.map(([what, command]) => `  # ${what}\n  $ npx provision ${command}`).join('\n')}`;

/** How long to wait for an end. A provisioning can take hours while App2 is away; most take seconds. */
export const timeoutOption = (meaning: string) =>
  new Option('--timeout <time>', meaning).argParser(by(duration)).default(by(duration)('15m'), '15m');
