import { APP2 } from '../../contracts/services.ts';
import { faultsAt } from '../../local/harness/faults/rules.ts';
import { SLOW_CALL } from '../performance/ratios.ts';
import { withCountedAws } from '../support/local-aws.ts';
import { provisionerOf } from '../support/provisioner.ts';
import { type Summary, summarize } from '../support/statistics.ts';

/** The further targets of this benchmark. */
const FURTHER = ['payments', 'orders'];

/** Provisionings at all targets before the measurement: each execution environment caches the token of each target. */
const WARM_UP = 12;

/** From POST to SUCCEEDED, by the number of targets. */
type ByTargets = Record<'1' | '3', Summary>;

export interface TargetLatencies {
  /** The calls are as fast as the emulator, so the processors of the computer are the limit. */
  plain: ByTargets;
  /** Each call to Cognito is delayed, so the provisionings wait, as on AWS. */
  slow: ByTargets;
}

/** Measures provisionings at one and at three targets alternately on one local AWS. */
export const targetLatencies = (rounds: number): Promise<TargetLatencies> =>
  withCountedAws(FURTHER, async (outputs, proxyUrl) => {
    const { provisioning } = provisionerOf(outputs);
    const three = [APP2, ...FURTHER];
    const measure = async (): Promise<ByTargets> => {
      const measurements: Record<keyof ByTargets, number[]> = { 1: [], 3: [] };
      for (let n = 0; n < rounds; n += 1) {
        measurements[1].push((await provisioning({ targets: [APP2] })).succeeded);
        measurements[3].push((await provisioning({ targets: three })).succeeded);
      }
      return { 1: summarize(measurements[1]), 3: summarize(measurements[3]) };
    };
    for (let n = 0; n < WARM_UP; n += 1) await provisioning({ targets: three });
    const plain = await measure();
    const faults = faultsAt(proxyUrl);
    const ids = await faults.add([{ service: 'cognito-idp', latency: SLOW_CALL }]);
    try {
      return { plain, slow: await measure() };
    } finally {
      await faults.remove(ids);
    }
  });
