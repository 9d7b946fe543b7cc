import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { EXPRESS_MAX_DELAY_SECONDS } from '../../../handlers/app2/lib/creation-limiter.ts';
import { withVariables } from '../../../local/harness/variables.ts';
import { newName, newPassword, outputs } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { type AssignedStart, assignedStart } from '../../support/assigned-start.ts';
import { encryptFor, machineToken, system } from '../support/deployed.ts';
import { targetFunction } from '../support/target.ts';

/** One creation in 20 s, and one express creation in 10 s: a few requests fill the queue. */
const INTERVAL_SECONDS = 20;
const RATES = { CREATIONS_PER_SECOND: String(1 / INTERVAL_SECONDS), EXPRESS_CREATIONS_PER_SECOND: '0.1' };
const POLLS = { STATUS_POLLS_PER_SECOND: '1000' };

/** Number of requests: below a caller's quarter of the queue, which is 15 of 60 at this rate. */
const FLOOD = 6;

/** Longest time until a creation has its start time, in milliseconds: the computer may be under load. */
const START_ASSIGNED_WITHIN = 120_000;

/** Requests a user at the target on behalf of a caller; returns the id without waiting for the outcome. */
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

/** Waits for the start time that the rate limiter assigns to a creation. */
const waitForStart = (id: string): Promise<AssignedStart> =>
  eventually(async () => {
    const start = await assignedStart(system, id);
    if (start === undefined) throw new Error(`The creation ${id} has no start time.`);
    return start;
  }, START_ASSIGNED_WITHIN);

/** Cancels a creation, so that its reservation is released. */
async function cancel(id: string): Promise<void> {
  await eventually(async () => {
    const { status } = await system.app2('DELETE', `/admin/create-user/${id}`, await machineToken());
    if (status !== 204) throw new Error(`The creation ${id} is not cancelled: ${status}.`);
  }, START_ASSIGNED_WITHIN);
}

it('a flood of requests of one caller delays another caller by two seconds at most', async () => {
  await withVariables(outputs, targetFunction('start-user-creation'), { ...RATES, ...POLLS }, () =>
    withVariables(outputs, targetFunction('decrypt-credentials'), RATES, async () => {
      const flood = await Promise.all(Array.from({ length: FLOOD }, () => request('a-greedy-caller')));
      const starts = await Promise.all(flood.map(waitForStart));
      const last = Math.max(...starts.map(({ startAt }) => startAt));
      const other = await request('another-caller');
      const { assignedAt, startAt } = await waitForStart(other);
      // Remaining reservations would delay every creation after this file.
      await Promise.all([...flood, other].map(cancel));

      // Both times are those of the limiter, so the load of the computer does not change them.
      expect((startAt - assignedAt) / 1000).toBeLessThanOrEqual(EXPRESS_MAX_DELAY_SECONDS);
      // One creation starts at once and one by the express rate; the other four are queued.
      const first = Math.min(...starts.map(({ startAt: at }) => at));
      expect((last - first) / 1000).toBeGreaterThanOrEqual((FLOOD - 2) * INTERVAL_SECONDS);
    }),
  );
});
