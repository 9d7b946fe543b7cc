import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { EXPRESS_MAX_DELAY_SECONDS } from '../../../handlers/app2/creation-limiter.ts';
import { withVariables } from '../../../local/variables.ts';
import {
  encryptFor,
  machineToken,
  newName,
  newPassword,
  outputs,
  system,
} from '../../e2e/support/deployed.ts';

/** One creation in five seconds, and an express rate of one in ten: a few requests are a flood. */
const RATES = { CREATIONS_PER_SECOND: '0.2', EXPRESS_CREATIONS_PER_SECOND: '0.1' };
const POLLS = { STATUS_POLLS_PER_SECOND: '1000' };
const FLOOD = 6;

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

/** How long a creation has waited for its start, in seconds, once it goes on. */
async function waited(id: string): Promise<number> {
  for (;;) {
    const states = await system.states('CreateServiceUser', id);
    const wait = states.find(({ name }) => name === 'WaitForRateLimit');
    if (wait?.exitedAt !== undefined) return (wait.exitedAt - wait.enteredAt) / 1000;
    await setTimeout(200);
  }
}

it('a flood of one caller delays another one by two seconds at most', async () => {
  await withVariables(outputs, 'app2-start-user-creation', { ...RATES, ...POLLS }, () =>
    withVariables(outputs, 'app2-decrypt-credentials', RATES, async () => {
      const flood = await Promise.all(Array.from({ length: FLOOD }, () => request('a-greedy-caller')));
      const other = await request('another-caller');

      // What is slow of the machine is no part of it: the wait ends when the start has come.
      expect(await waited(other)).toBeLessThanOrEqual(EXPRESS_MAX_DELAY_SECONDS + 1);
      const delays = await Promise.all(flood.map(waited));
      expect(Math.max(...delays)).toBeGreaterThan(2 * EXPRESS_MAX_DELAY_SECONDS);
    }),
  );
});
