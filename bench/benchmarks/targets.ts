import { APP2 } from '../../contracts/services.ts';
import { withBenchAws } from '../support/local-aws.ts';
import { provisionerOf } from '../support/provisioner.ts';
import { type Summary, summarize } from '../support/statistics.ts';

/** The further targets of this benchmark. */
const FURTHER = ['payments', 'orders'];

/** Provisionings at all targets before the measurement: each execution environment caches the token of each target. */
const WARM_UP = 12;

/** From POST to SUCCEEDED, by the number of targets. */
export type TargetLatencies = Record<'1' | '3', Summary>;

/** Measures provisionings at one and at three targets alternately on one local AWS. */
export const targetLatencies = (rounds: number): Promise<TargetLatencies> =>
  withBenchAws(FURTHER, async (outputs) => {
    const { provisioning } = provisionerOf(outputs);
    const three = [APP2, ...FURTHER];
    const measurements: Record<keyof TargetLatencies, number[]> = { 1: [], 3: [] };
    for (let n = 0; n < WARM_UP; n += 1) await provisioning({ targets: three });
    for (let n = 0; n < rounds; n += 1) {
      measurements[1].push((await provisioning({ targets: [APP2] })).succeeded);
      measurements[3].push((await provisioning({ targets: three })).succeeded);
    }
    return { 1: summarize(measurements[1]), 3: summarize(measurements[3]) };
  });
