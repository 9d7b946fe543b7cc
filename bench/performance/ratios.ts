import type { Results } from './results.ts';

/** Ratios by name: what is compared from run to run, since times are those of a machine. */
export type Ratios = Record<string, number>;

/** A ratio that is this much higher than before is shown. */
const NOTABLE = 0.2;

/** The longest that a bundle may take to be loaded: milliseconds of a core, or a part of what whole packages take. */
export const loadingLimit = { milliseconds: 80, ratio: 0.85 };

export function loadingRatios({ loads }: NonNullable<Results['loading']>['measured']): Ratios {
  return Object.fromEntries(
    Object.entries(loads).map(([name, { shipped, wholePackages }]) => [
      `loading ${name}, to a bundle of whole packages`,
      shipped.computing / wholePackages.computing,
    ]),
  );
}

type Measured = NonNullable<Results['latency']>['measured'];

export function latencyRatios(measured: Measured): Ratios {
  const { post, intake, bare, succeeded, floor, synchronous } = measured;
  return {
    'POST, to a bare function': post.p50 / bare.p50,
    'POST without what the emulator takes, to a bare function': ownTimeOfPost(measured) / bare.p50,
    'POST, to a bare function that makes the same calls': post.p50 / intake.p50,
    'SUCCEEDED, to the floor': succeeded[1].p50 / floor.p50,
    'SUCCEEDED without what the emulator takes, to the floor': ownTime(measured) / floor.p50,
    'SUCCEEDED, to one synchronous function': succeeded[1].p50 / synchronous.p50,
    'SUCCEEDED with 10 at once, to 1': succeeded[10].p50 / succeeded[1].p50,
    'SUCCEEDED with 50 at once, to 1': succeeded[50].p50 / succeeded[1].p50,
  };
}

/** Milliseconds until 202 without what the three calls take that AWS has to answer, made by a function that does only that. */
export const ownTimeOfPost = ({ post, intake, bare }: Measured): number => post.p50 - (intake.p50 - bare.p50);

/**
 * Milliseconds from POST to SUCCEEDED that are ours: without what as many states and functions take that do nothing,
 * and without the two passages through API Gateway, App1's and App2's.
 */
export const ownTime = ({ succeeded, empty, bare }: Measured): number =>
  succeeded[1].p50 - empty.p50 - 2 * bare.p50;

/** What is promised of the ratios: the most that each may be. */
export const promised: Ratios = {
  'POST without what the emulator takes, to a bare function': 1.1,
  'SUCCEEDED, to the floor': 8,
};

/** Which promises are not kept, in words. */
export function broken(now: Ratios): string[] {
  return Object.entries(promised).flatMap(([name, limit]) => {
    const ratio = now[name];
    return ratio === undefined || ratio <= limit ? [] : [`${name}: ${ratio.toFixed(2)}, promised ≤ ${limit}`];
  });
}

/** Which ratios are notably higher than they were, in words. */
export function regressions(before: Ratios, now: Ratios): string[] {
  return Object.entries(now).flatMap(([name, ratio]) => {
    const was = before[name];
    if (was === undefined || ratio <= was * (1 + NOTABLE)) return [];
    return [`${name}: ${was.toFixed(2)} → ${ratio.toFixed(2)} (+${Math.round((ratio / was - 1) * 100)} %)`];
  });
}
