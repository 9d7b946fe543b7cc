import { parseArgs } from 'node:util';
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

/**
 * `npm run bench -- burst`: 300 POSTs at once, with AWS's ceilings at a fifth enforced by a proxy. Prints what was called
 * and how quickly, and which promises hold; `--faults` lets a tenth of all calls fail at random, and then holds each
 * provisioning against I1 to I6; with `--taken 0.4` others use two fifths of each ceiling, of which App2 knows nothing.
 * `--count` and `--scale` change the numbers. The exit status is 0 only if all hold.
 */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '300' },
      scale: { type: 'string', default: '0.2' },
      faults: { type: 'boolean', default: false },
      taken: { type: 'string', default: '0' },
    },
  });
  const [count, scale, taken] = [Number(values.count), Number(values.scale), Number(values.taken)];
  return withProxiedAws({ directory, underTest }, listrProgress, async (outputs, proxyUrl) => {
    const faulty = values.faults ? FAULTY : 0;
    const burst = await listrProgress.run(`${count} POSTs at once`, () =>
      runBurst({ outputs, proxyUrl, count, scale, faulty, taken, within: 1_200 }),
    );
    show(burst);
    const withoutFaults = taken > 0 ? [allSucceed(burst)] : promisesOf(burst, scale);
    const promises = values.faults ? await invariantsOf(burst) : withoutFaults;
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
