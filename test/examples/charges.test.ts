import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';

/** The business endpoint of the payment service. Jest cannot load its ES module, so Node does. */

const result = z.array(z.object({ statusCode: z.number(), body: z.string() }));

/** The responses to these bodies, which the service user `ada` sends. */
function responsesTo(bodies: readonly (string | null)[]) {
  const file = join(root, 'examples', 'payments', 'charges', 'index.mjs');
  const code = `import { handler } from '${file}';
    const requestContext = { authorizer: { username: 'ada' } };
    const bodies = ${JSON.stringify(bodies)};
    console.log(JSON.stringify(await Promise.all(bodies.map((body) => handler({ body, requestContext })))));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  return result.parse(JSON.parse(output)).map(({ statusCode, body }) => [statusCode, JSON.parse(body)]);
}

describe('POST /charges', () => {
  it('answers with the charge and its creator, up to the largest amount', () => {
    const charge = (amount: number, currency: string) => JSON.stringify({ amount, currency });

    expect(responsesTo([charge(1, 'EUR'), charge(100_000, 'USD')])).toEqual([
      [201, { id: expect.any(String), amount: 1, currency: 'EUR', created_by: 'ada' }],
      [201, { id: expect.any(String), amount: 100_000, currency: 'USD', created_by: 'ada' }],
    ]);
  });

  it('refuses another amount, another currency and another body, and says why', () => {
    const amounts = [0, 100_001, 1.5, '7'].map((amount) => JSON.stringify({ amount, currency: 'EUR' }));
    const currency = JSON.stringify({ amount: 7, currency: 'GBP' });
    const responses = responsesTo([...amounts, currency, 'no JSON', '7', null]);

    const refusal = (detail: string) => [422, expect.objectContaining({ detail })];
    const amount = refusal('amount must be a whole number of cents from 1 to 100000.');

    expect(responses).toEqual([
      ...[amount, amount, amount, amount],
      refusal('currency must be one of EUR, USD.'),
      ...[amount, amount, amount],
    ]);
  });
});
