import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import { passwordWithoutSymbol } from '../../local/harness/lax-policy.ts';
import { ended, newPassword, newRequest, system } from '../e2e/support/deployed.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { execution } from './support/executions.ts';
import { callNamed, held } from './support/holds.ts';
import { type Planned, plan } from './support/known.ts';
import { endOf, violations } from './support/oracle.ts';
import { deprovision, post, problemCode } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type Aftermath, suite } from './support/suite.ts';

/** Many requests at once, and DELETE at any moment. */
interface Scenario {
  name: string;
  run: (aftermath: Aftermath) => Promise<void>;
}

const times = <Result>(count: number, run: (n: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => run(n)));

/** The oracle's word on a provisioning, and its status in short. */
async function judged(planned: Planned, aftermath: Aftermath): Promise<string> {
  expect(await violations(planned)).toEqual([]);
  const { status, user, error } = await endOf(planned.id);
  aftermath.ended(planned, user);
  return [status, user, ...(error === undefined ? [] : [error.code])].join(', ');
}

const samePost = (count: number): Scenario => ({
  name: `${count} POSTs with one key are one provisioning`,
  async run(aftermath) {
    const planned = await plan();
    const answers = await times(count, () => post(planned, planned.key));
    const ids = answers.map(({ body }) => provisioningAccepted.parse(body).provisioning_id);
    expect(new Set(ids)).toEqual(new Set([planned.id]));
    expect(await judged(planned, aftermath)).toBe('SUCCEEDED, present');
    expect(await post(planned, planned.key)).toMatchObject({ status: 202, body: { status: 'SUCCEEDED' } });
  },
});

const sameName = (count: number): Scenario => ({
  name: `${count} provisionings of one username make one user`,
  async run(aftermath) {
    const { username } = newRequest();
    const all = await times(count, async (n) => {
      const planned = await plan({ username });
      // Each has a key of its own.
      const key = `${planned.key}-${n}`;
      const { body } = await post(planned, key);
      return { ...planned, id: provisioningAccepted.parse(body).provisioning_id };
    });
    const ends = await Promise.all(all.map((one) => judged(one, aftermath)));
    expect(ends.sort()).toEqual([
      ...Array.from({ length: count - 1 }, () => 'FAILED, absent, USER_ALREADY_EXISTS'),
      'SUCCEEDED, present',
    ]);
  },
});

const deletedDuring = (call: string): Scenario => ({
  name: `DELETE during ${call}`,
  async run(aftermath) {
    const planned = await plan();
    const hold = await inject(held(call, planned));
    await post(planned, planned.key);
    await hold.met(120_000);
    await deprovision(planned.id);
    expect(await judged(planned, aftermath)).toMatch(/, absent/);
    await hold.lift();
  },
});

const scenarios: Scenario[] = [
  {
    name: 'POST that waits is accepted while every look is throttled',
    async run(aftermath) {
      const planned = await plan();
      const { username, password, human_user_id } = planned;
      const throttled = await inject({
        ...callNamed('start-provisioning states:DescribeExecution').match(planned),
        error: { code: 'ThrottlingException', status: 400 },
      });
      const headers = { 'Idempotency-Key': planned.key, Prefer: 'wait=1' };
      const answer = await system.provision({ username, password, human_user_id }, headers);
      expect(answer).toMatchObject({ status: 202, body: { provisioning_id: planned.id } });
      expect(await throttled.allFired()).toBe(true);
      await throttled.lift();
      expect(await judged(planned, aftermath)).toBe('SUCCEEDED, present');
    },
  },
  samePost(2),
  samePost(50),
  sameName(2),
  sameName(5),
  {
    name: 'two POSTs with one key and different passwords: one is accepted, the other refused',
    async run(aftermath) {
      const planned = await plan();
      const other = { ...planned, password: newPassword() };
      const answers = await Promise.all([planned, other].map((one) => post(one, planned.key)));
      const accepted = answers.map(({ status }) => status).sort();
      expect(accepted).toEqual([202, 409]);
      const [first] = answers;
      const winner = first?.status === 202 ? planned : other;
      expect(answers.map(problemCode)).toContain('IDEMPOTENCY_CONFLICT');
      expect(await judged(winner, aftermath)).toBe('SUCCEEDED, present');
    },
  },
  {
    name: 'DELETE before the request has reached App2: the late request creates nothing',
    async run(aftermath) {
      const planned = await plan();
      const late = await inject({
        ...held('RequestUserCreation POST /admin/create-user', planned),
        // Longer than a DELETE takes, shorter than App2 is waited for.
        latency: 12_000,
      });
      await post(planned, planned.key);
      await late.met(120_000);
      await deprovision(planned.id);
      expect(await judged(planned, aftermath)).toBe('ABORTED, absent, CANCELLED');
      // The request arrives, and finds its name taken.
      await eventually(async () => {
        expect(await execution('CreateServiceUser', planned.id)).toMatchObject({ error: 'Cancelled' });
      }, 30_000);
      await late.lift();
    },
  },
  ...[
    'EncryptCredentials kms:ReEncrypt',
    'DecryptCredentials kms:Decrypt',
    'CreateUser cognito-idp:AdminCreateUser',
    'SetPassword cognito-idp:AdminSetUserPassword',
    'AddToGroup cognito-idp:AdminAddUserToGroup',
    'PublishUserCreated events:PutEvents',
    'PublishProvisioned events:PutEvents',
  ].map(deletedDuring),
  {
    name: 'twenty DELETEs at once',
    async run(aftermath) {
      const planned = await plan();
      await post(planned, planned.key);
      await ended(planned.id);
      const answers = await times(20, () => system.deprovision(planned.id));
      expect(answers.every(({ status }) => status === 202 || status === 204)).toBe(true);
      await deprovision(planned.id);
      expect(await judged(planned, aftermath)).toBe('SUCCEEDED, absent');
    },
  },
  {
    name: 'DELETE of what has failed is answered at once',
    async run(aftermath) {
      const planned = await plan({ password: passwordWithoutSymbol() });
      await post(planned, planned.key);
      await ended(planned.id);
      expect((await system.deprovision(planned.id)).status).toBe(204);
      expect(await judged(planned, aftermath)).toBe('FAILED, absent, PASSWORD_REJECTED');
    },
  },
  {
    name: 'DELETE of what nobody asked for is answered with 404',
    async run() {
      const answer = await system.deprovision(randomUUID());
      expect([answer.status, problemCode(answer)]).toEqual([404, 'NOT_FOUND']);
    },
  },
  ...Array.from(
    { length: 8 },
    (_, n): Scenario => ({
      name: `POST and DELETE at once, ${n}`,
      async run(aftermath) {
        const planned = await plan();
        const [posted] = await Promise.all([post(planned, planned.key), system.deprovision(planned.id)]);
        expect(posted.status).toBe(202);
        await deprovision(planned.id);
        expect(await judged(planned, aftermath)).toMatch(/, absent/);
      },
    }),
  ),
];

suite('at once', scenarios, {
  run: ({ run }, aftermath) => run(aftermath),
  check: () => undefined,
  sample: 4,
});
