import { describe, expect, it } from '@jest/globals';
import { budgetOf, overBudget } from '../../bench/budget.ts';
import { countAmongOthers } from '../../bench/count/count.ts';
import type { Counts } from '../../bench/count/counts.ts';
import { headersOf, plan } from '../../bench/count/planned-provisioning.ts';
import { outputs, start, waitForCompletion } from '../e2e/support/deployed.ts';
import { requestedTargets } from './support/target.ts';
import { targets } from './support/targets.ts';

const proxyUrl = process.env['FAULT_PROXY_URL'] ?? '';

/** Other tests run at the same time. Their sign-ins, and retries because of their load, only increase a count. */
const TRIES = 8;

describe('the cost of a successful provisioning', () => {
  it.each([
    ['one target', 1, requestedTargets],
    ['all targets', targets.length, { targets: [...targets] }],
  ])('equals the budget at %s when all functions are warm', async (_what, count, requested) => {
    let counts: Counts | undefined;

    for (let n = 0; n < TRIES && (counts === undefined || overBudget(counts, count).length > 0); n += 1) {
      const planned = await plan(outputs, requested);
      counts = await countAmongOthers({
        outputs,
        proxyUrl,
        planned,
        run: async () => {
          const id = await start(planned.request, headersOf(planned));
          const { status } = await waitForCompletion(id);
          expect({ id, status }).toEqual({ id: planned.id, status: 'SUCCEEDED' });
          return 1;
        },
      });
    }

    process.stdout.write(`Counts of one provisioning at ${count} targets: ${JSON.stringify(counts)}\n`);

    // A lower count is an error, too: the budget would be wrong, or the counter.
    expect(counts).toMatchObject(budgetOf(count));
  });
});
