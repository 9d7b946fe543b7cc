import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { EXPRESS_MAX_DELAY_SECONDS } from '../../../handlers/app2/lib/creation-limiter.ts';
import { withVariables } from '../../../local/harness/variables.ts';
import {
  encryptFor,
  machineToken,
  newName,
  newPassword,
  outputs,
  system,
} from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { type AssignedStart, assignedStart } from '../../support/assigned-start.ts';

/** One creation in twenty seconds, and an express rate of one in ten: a few requests are a flood. */
const INTERVAL_SECONDS = 20;
const RATES = { CREATIONS_PER_SECOND: String(1 / INTERVAL_SECONDS), EXPRESS_CREATIONS_PER_SECOND: '0.1' };
const POLLS = { STATUS_POLLS_PER_SECOND: '1000' };

/** Below the queue's quarter, which is 15 of 60 at this rate. */
const FLOOD = 6;

/** How long a creation may take to get its start, in milliseconds: the machine may have other work. */
const PATIENCE = 120_000;

/** Asks App2 for a user on behalf of a caller, and does not wait for it. */
async function request(caller: string): Promise<string> {
  const id = randomUUID();
  const username = newName('flood');
  const encrypted_password = await encryptFor(id, username, newPassword());
  const body = { username, encrypted_password, human_user_id: 'h-1' };
  const headers = { 'Idempotency-Key': id, 'On-Behalf-Of': caller };
  const { status } = await system.app2('POST', '/admin/create-user', await machineToken(), body, headers);
  expect(status).toBe(202);
  return id;
}

/** What the rate limiter decided about a creation, once it has. */
const assigned = (id: string): Promise<AssignedStart> =>
  eventually(async () => {
    const start = await assignedStart(system, id);
    if (start === undefined) throw new Error(`The creation ${id} has no start.`);
    return start;
  }, PATIENCE);

/** Cancels a creation, so that it gives its start back. */
async function cancel(id: string): Promise<void> {
  await eventually(async () => {
    const { status } = await system.app2('DELETE', `/admin/create-user/${id}`, await machineToken());
    if (status !== 204) throw new Error(`The creation ${id} is not cancelled: ${status}.`);
  }, PATIENCE);
}

it('a flood of one caller delays another one by two seconds at most', async () => {
  await withVariables(outputs, 'app2-start-user-creation', { ...RATES, ...POLLS }, () =>
    withVariables(outputs, 'app2-decrypt-credentials', RATES, async () => {
      const flood = await Promise.all(Array.from({ length: FLOOD }, () => request('a-greedy-caller')));
      const starts = await Promise.all(flood.map(assigned));
      const last = Math.max(...starts.map(({ startAt }) => startAt));
      const other = await request('another-caller');
      const { assignedAt, startAt } = await assigned(other);
      // What the queue still holds for these would delay every creation after this file.
      await Promise.all([...flood, other].map(cancel));

      // Both times are the limiter's: how long the machine takes is no part of them.
      expect((startAt - assignedAt) / 1000).toBeLessThanOrEqual(EXPRESS_MAX_DELAY_SECONDS);
      // One starts at once and one by the express rate; the other four have a queue before them.
      const first = Math.min(...starts.map(({ startAt: at }) => at));
      expect((last - first) / 1000).toBeGreaterThanOrEqual((FLOOD - 2) * INTERVAL_SECONDS);
    }),
  );
});
