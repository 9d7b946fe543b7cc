import * as z from 'zod';
import { colors } from '../../cli/support/colors.ts';
import { npmCommand, runCommand } from '../../cli/support/command.ts';
import { listrProgress } from '../../cli/support/progress.ts';
import { by, count } from '../../cli/values.ts';
import { loadDirectory as directory } from '../../local/paths.ts';
import { ceilings } from './ceilings.ts';
import { allSucceed, type Expectation, expectationsOf, rateOf } from './expectations.ts';
import { brokenInvariants } from './invariants.ts';
import { type Burst, runBurst } from './run.ts';
import { testSwitches } from './worker-pool.ts';

/** Part of all calls that fail with `--faults`. */
const FAULTY = 0.1;

/** A part of a quota, or of the requests. */
const part = z
  .string()
  .regex(/^(0|1|0?\.\d{1,6})$/, 'must be a part like 0.2')
  .transform(Number);
const enforced = part.refine((value) => value > 0, 'must be more than 0');
const taken = part.refine((value) => value < 1, 'must be less than 1, so that something is left');
const doomed = part.refine((value) => value < 1, 'must be less than 1, so that one can succeed');

const program = () =>
  npmCommand('test:load')
    .description(
      'Sends many requests at once against a part of the quotas of AWS; says which expectations hold.',
    )
    .option('--count <number>', 'how many requests', by(count), 300)
    .option(
      '--scale <part>',
      'part of the quotas of AWS that is enforced, and known to App2',
      by(enforced),
      0.2,
    )
    .option('--taken <part>', 'part of each quota that others use, of which App2 knows nothing', by(taken), 0)
    .option('--doomed <part>', 'part of the requests whose password App2 refuses', by(doomed), 0)
    .option(
      '--second-caller',
      'have a second caller send a few requests when the others have been accepted; they must start within 2 s',
      false,
    )
    .option('--faults', 'let a tenth of all calls fail, and check I1 to I6 for each provisioning', false)
    .showHelpAfterError('`npm run test:load -- --help` lists the options.');

/**
 * `npm run test:load`: sends many POSTs at once, while a proxy enforces a part of AWS's quotas. Prints what was called
 * and how quickly, and which expectations hold. With `--faults` a tenth of all calls fails at random, and I1 to I6 are
 * checked for each provisioning; with `--taken` others use a part of each quota, of which App2 knows nothing. App2
 * refuses the part `--doomed`, and with `--second-caller` a second caller sends a few requests once all others have been
 * accepted. The exit status is 0 if all expectations hold, 1 if one does not, 2 on wrong usage.
 */
export async function main(args: string[]): Promise<number> {
  const command = program();
  return runCommand(
    () => command.parse(args, { from: 'user' }),
    () => load(command.opts()),
  );
}

async function load({ faults, ...options }: ReturnType<ReturnType<typeof program>['opts']>): Promise<number> {
  // Only a load test needs it, not its help.
  const { withProxiedAws } = await import('../support/proxied.ts');
  return withProxiedAws({ directory, testSwitches }, listrProgress, async (outputs, proxyUrl) => {
    const faulty = faults ? FAULTY : 0;
    const made = await listrProgress.run(`${options.count} POSTs at once`, () =>
      runBurst({ outputs, proxyUrl, ...options, faulty, within: 1_200 }),
    );
    show(made);
    const withoutFaults = options.taken > 0 ? [allSucceed(made)] : expectationsOf(made, options.scale);
    const expectations = faults ? await invariantsOf(made) : withoutFaults;
    for (const { what, seen, holds } of expectations)
      process.stdout.write(`${holds ? colors.green('✔') : colors.red('✘')} ${what}: ${seen}\n`);
    return expectations.every(({ holds }) => holds) ? 0 : 1;
  });
}

async function invariantsOf(burst: Burst): Promise<Expectation[]> {
  const broken = await listrProgress.run('I1 to I6', () => brokenInvariants(directory, burst));
  for (const violation of broken) process.stdout.write(`  ${violation}\n`);
  const seen = broken.length === 0 ? 'no violation' : `${broken.length} violations`;
  return [{ what: 'I1 to I6 hold for each provisioning', seen, holds: broken.length === 0 }];
}

function show({ ends, seconds, longestPost, asked, failures, counted }: Burst): void {
  const lines = [
    `${ends.size} of ${asked.length} ended within ${seconds.toFixed(1)} s; the slowest POST was accepted after ${longestPost.toFixed(1)} s`,
    ...[...new Set(ends.values())].map(
      (fact) => `  ${[...ends.values()].filter((one) => one === fact).length} ${fact}`,
    ),
    ...failures.map((failure) => `    ${failure}`),
    'calls per provisioning:',
    ...Object.entries(counted.made)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([call, times]) => `  ${call.padEnd(36)} ${(times / asked.length).toFixed(2)}`),
    'against the ceilings:',
    ...ceilings.map(({ name }) => {
      const { passed = [], refused = [] } = counted.quotas[name] ?? {};
      return `  ${name.padEnd(36)} ${passed.length} at ${rateOf(passed).toFixed(2)}/s, ${refused.length} throttled`;
    }),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
