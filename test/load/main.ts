import * as z from 'zod';
import { colors } from '../../cli/support/colors.ts';
import { npmCommand, runCommand } from '../../cli/support/command.ts';
import { listrProgress } from '../../cli/support/progress.ts';
import { by, count } from '../../cli/values.ts';
import { loadDirectory as directory } from '../../local/paths.ts';
import { allSucceed, type Expectation, expectationsOf, rateOf } from './expectations.ts';
import { invariantViolations } from './invariants.ts';
import { quotas } from './quotas.ts';
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
const usedByOthers = part.refine((value) => value < 1, 'must be less than 1, so that a part remains');
const rejected = part.refine((value) => value < 1, 'must be less than 1, so that a request can succeed');

const program = () =>
  npmCommand('test:load')
    .description(
      'Sends concurrent requests against a part of the quotas of AWS, and reports which expectations are met.',
    )
    .option('--count <number>', 'number of requests', by(count), 300)
    .option(
      '--scale <part>',
      'part of the quotas of AWS that the proxy enforces and App2 is configured for',
      by(enforced),
      0.2,
    )
    .option(
      '--used-by-others <part>',
      'part of each quota that other clients use, without the knowledge of App2',
      by(usedByOthers),
      0,
    )
    .option('--rejected <part>', 'part of the requests whose password App2 rejects', by(rejected), 0)
    .option(
      '--second-caller',
      'a second caller sends a few requests after the others have been accepted; they must start within 2 s',
      false,
    )
    .option('--faults', 'a tenth of all calls fails; I1 to I6 are checked for each provisioning', false)
    .showHelpAfterError('`npm run test:load -- --help` lists the options.');

/**
 * `npm run test:load`: sends concurrent POSTs while a proxy enforces a part of AWS's quotas, and prints the calls, their
 * rates and the expectations. With `--faults`, a tenth of all calls fails at random, and I1 to I6 are checked for each
 * provisioning. With `--used-by-others`, other clients use a part of each quota, without the knowledge of App2. App2
 * rejects the part `--rejected`. With `--second-caller`, a second caller sends a few requests after all others have been
 * accepted. The exit status is 0 if all expectations are met, 1 if one is not, and 2 on wrong usage.
 */
export async function main(args: string[]): Promise<number> {
  const command = program();
  return runCommand(
    () => command.parse(args, { from: 'user' }),
    () => load(command.opts()),
  );
}

async function load({ faults, ...options }: ReturnType<ReturnType<typeof program>['opts']>): Promise<number> {
  // The help does not need this module.
  const { withProxiedAws } = await import('../support/proxied.ts');
  return withProxiedAws({ directory, testSwitches }, listrProgress, async (outputs, proxyUrl) => {
    const faulty = faults ? FAULTY : 0;
    const burst = await listrProgress.run(`${options.count} concurrent POSTs`, () =>
      runBurst({ outputs, proxyUrl, ...options, faulty, within: 1_200 }),
    );
    print(burst);
    const withoutFaults =
      options.usedByOthers > 0 ? [allSucceed(burst)] : expectationsOf(burst, options.scale);
    const expectations = faults ? await checkInvariants(burst) : withoutFaults;
    for (const { description, actual, isMet } of expectations)
      process.stdout.write(`${isMet ? colors.green('✔') : colors.red('✘')} ${description}: ${actual}\n`);
    return expectations.every(({ isMet }) => isMet) ? 0 : 1;
  });
}

async function checkInvariants(burst: Burst): Promise<Expectation[]> {
  const broken = await listrProgress.run('I1 to I6', () => invariantViolations(directory, burst));
  for (const violation of broken) process.stdout.write(`  ${violation}\n`);
  const actual = broken.length === 0 ? 'no violation' : `${broken.length} violations`;
  return [{ description: 'I1 to I6 hold for each provisioning', actual, isMet: broken.length === 0 }];
}

function print({ outcomes, seconds, longestPost, requests, failures, counted }: Burst): void {
  const lines = [
    `${outcomes.size} of ${requests.length} finished within ${seconds.toFixed(1)} s; the slowest POST was accepted after ${longestPost.toFixed(1)} s`,
    ...[...new Set(outcomes.values())].map(
      (outcome) => `  ${[...outcomes.values()].filter((other) => other === outcome).length} ${outcome}`,
    ),
    ...failures.map((failure) => `    ${failure}`),
    'calls per provisioning:',
    ...Object.entries(counted.made)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([call, times]) => `  ${call.padEnd(36)} ${(times / requests.length).toFixed(2)}`),
    'rates of the calls with a quota:',
    ...quotas.map(({ name }) => {
      const { passed = [], refused = [] } = counted.quotas[name] ?? {};
      return `  ${name.padEnd(36)} ${passed.length} at ${rateOf(passed).toFixed(2)}/s, ${refused.length} throttled`;
    }),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
