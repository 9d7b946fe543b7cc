import { colors } from '../local/colors.ts';
import { burstDirectory as directory } from '../local/places.ts';
import { listrProgress } from '../local/progress.ts';
import { withProxiedAws } from '../local/proxied.ts';
import { ceilings } from './burst/ceilings.ts';
import { brokenInvariants } from './burst/invariants.ts';
import { underTest } from './burst/place.ts';
import { allSucceed, type Promise as Promised, promisesOf, rateOf } from './burst/promises.ts';
import { type Burst, runBurst } from './burst/run.ts';

/** Part of all calls that fail with `--faults`. */
const FAULTY = 0.1;

interface Options {
  count: number;
  scale: number;
  taken: number;
  doomed: number;
  secondCaller: boolean;
  faults: boolean;
}

/**
 * `npm run bench -- burst`: so many POSTs at once, with a part of AWS's ceilings enforced by a proxy. Prints what was
 * called and how quickly, and which promises hold. With `faults` a tenth of all calls fails at random, and each
 * provisioning is held against I1 to I6; with `taken` others use a part of each ceiling, of which App2 knows nothing.
 * App2 refuses the part `doomed`, and a second caller asks for a few when all others have been accepted.
 * The exit status is 0 only if all hold.
 */
export async function burst({ faults, ...options }: Options): Promise<number> {
  return withProxiedAws({ directory, underTest }, listrProgress, async (outputs, proxyUrl) => {
    const faulty = faults ? FAULTY : 0;
    const made = await listrProgress.run(`${options.count} POSTs at once`, () =>
      runBurst({ outputs, proxyUrl, ...options, faulty, within: 1_200 }),
    );
    show(made);
    const withoutFaults = options.taken > 0 ? [allSucceed(made)] : promisesOf(made, options.scale);
    const promises = faults ? await invariantsOf(made) : withoutFaults;
    for (const { what, seen, kept } of promises)
      process.stdout.write(`${kept ? colors.green('✔') : colors.red('✘')} ${what}: ${seen}\n`);
    return promises.every(({ kept }) => kept) ? 0 : 1;
  });
}

async function invariantsOf(burst: Burst): Promise<Promised[]> {
  const broken = await listrProgress.run('I1 to I6', () => brokenInvariants(directory, burst));
  for (const violation of broken) process.stdout.write(`  ${violation}\n`);
  const seen = broken.length === 0 ? 'no violation' : `${broken.length} violations`;
  return [{ what: 'I1 to I6 hold for each provisioning', seen, kept: broken.length === 0 }];
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
