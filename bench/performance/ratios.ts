import type { Results } from './results.ts';

/** Ratios by name. Runs are compared by ratios, because durations depend on the computer. */
export type Ratios = Record<string, number>;

/** Relative increase of a ratio above which it is reported. */
const REPORTED_INCREASE = 0.2;

/** Limits of loading a bundle: CPU time in milliseconds, or a part of the CPU time of a bundle of whole packages. */
export const loadingLimit = { milliseconds: 80, ratio: 0.85 };

/** Delay of each call to Cognito in the measurement of several targets with slow calls, in milliseconds. */
export const SLOW_CALL = 250;

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
    'POST, to an empty function': post.p50 / bare.p50,
    'POST without the emulator, to an empty function': ownTimeOfPost(measured) / bare.p50,
    'POST, to a function with the same calls': post.p50 / intake.p50,
    'SUCCEEDED, to the floor': succeeded[1].p50 / floor.p50,
    'SUCCEEDED without the emulator, to the floor': ownTime(measured) / floor.p50,
    'SUCCEEDED, to one synchronous function': succeeded[1].p50 / synchronous.p50,
    'SUCCEEDED with 10 concurrent, to 1': succeeded[10].p50 / succeeded[1].p50,
    'SUCCEEDED with 50 concurrent, to 1': succeeded[50].p50 / succeeded[1].p50,
  };
}

export const targetRatios = (measured: NonNullable<Results['targets']>['measured']): Ratios => ({
  'SUCCEEDED at three targets, to one': measured.plain[3].p50 / measured.plain[1].p50,
  'SUCCEEDED at three targets, to one, with slow calls': measured.slow[3].p50 / measured.slow[1].p50,
});

/** Milliseconds until 202 without the three calls to AWS, which a function that only makes them measures. */
export const ownTimeOfPost = ({ post, intake, bare }: Measured): number => post.p50 - (intake.p50 - bare.p50);

/**
 * Milliseconds from POST to SUCCEEDED without the emulator: without the same number of empty states and functions, and
 * without the two requests through API Gateway, App1's and App2's.
 */
export const ownTime = ({ succeeded, empty, bare }: Measured): number =>
  succeeded[1].p50 - empty.p50 - 2 * bare.p50;

/**
 * Expected limits of ratios. Runs of one version differ by 0.2 and 0.8. A further call to AWS adds 0.5 to the ratio of a
 * POST, and a further pause of App2's polls adds 4 to that of SUCCEEDED.
 */
export const expected: Ratios = {
  'POST without the emulator, to an empty function': 1.5,
  'SUCCEEDED, to the floor': 9,
  'SUCCEEDED at three targets, to one, with slow calls': 1.6,
};

/** Ratios above their limit, as text. */
export function unmetExpectations(now: Ratios): string[] {
  return Object.entries(expected).flatMap(([name, limit]) => {
    const ratio = now[name];
    return ratio === undefined || ratio <= limit ? [] : [`${name}: ${ratio.toFixed(2)}, expected ≤ ${limit}`];
  });
}

/** Ratios that have increased by more than a fifth, as text. */
export function regressions(before: Ratios, now: Ratios): string[] {
  return Object.entries(now).flatMap(([name, ratio]) => {
    const previous = before[name];
    if (previous === undefined || ratio <= previous * (1 + REPORTED_INCREASE)) return [];
    return [
      `${name}: ${previous.toFixed(2)} → ${ratio.toFixed(2)} (+${Math.round((ratio / previous - 1) * 100)} %)`,
    ];
  });
}
