import { describe, expect, it } from '@jest/globals';
import { budget, overBudget } from '../../bench/budget.ts';
import { countAmongOthers } from '../../bench/count/count.ts';
import type { Counts } from '../../bench/count/counts.ts';
import { headersOf, plan } from '../../bench/count/planned-provisioning.ts';
import { outputs, start, waitForCompletion } from '../e2e/support/deployed.ts';
import { targetOutputs } from './support/deployed.ts';
import { requestedTargets } from './support/target.ts';

/** The system whose target is the one under test. */
const underTest = { ...outputs, app2: targetOutputs };

const proxyUrl = process.env['FAULT_PROXY_URL'] ?? '';

/** Other tests run at the same time. Their sign-ins, and retries because of their load, only increase a count. */
const TRIES = 8;

describe('the cost of a successful provisioning', () => {
  it('equals the budget when all functions are warm', async () => {
    let counts: Counts | undefined;

    for (let n = 0; n < TRIES && (counts === undefined || overBudget(counts).length > 0); n += 1) {
      const planned = await plan(underTest, requestedTargets);
      const { username, password, human_user_id } = planned;
      counts = await countAmongOthers({
        outputs: underTest,
        proxyUrl,
        planned,
        run: async () => {
          const id = await start(
            { username, password, human_user_id, ...requestedTargets },
            headersOf(planned),
          );
          const { status } = await waitForCompletion(id);
          expect({ id, status }).toEqual({ id: planned.id, status: 'SUCCEEDED' });
          return 1;
        },
      });
    }

    process.stdout.write(`Counts of one provisioning: ${JSON.stringify(counts)}\n`);

    // A lower count is an error, too: the budget would be wrong, or the counter.
    expect(counts).toMatchObject(budget);
  });
});
