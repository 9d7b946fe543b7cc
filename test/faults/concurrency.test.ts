import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import { passwordWithoutSymbol } from '../../local/harness/lax-policy.ts';
import { newPassword, newRequest, waitForCompletion } from '../e2e/support/deployed.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { delayCall, findCall } from './support/call-rules.ts';
import { system } from './support/deployed.ts';
import { findExecution } from './support/executions.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { type PlannedProvisioning, plan } from './support/plan.ts';
import { deprovision, post, problemCode } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type FinalChecks, suite } from './support/suite.ts';
import { requestedTargets } from './support/target.ts';

/** Concurrent requests, and DELETE at any time. */
interface Scenario {
  name: string;
  run: (finalChecks: FinalChecks) => Promise<void>;
}

const times = <Result>(count: number, run: (n: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => run(n)));

/** Expects that no invariant is violated; returns status, user and error code in one line. */
async function checkInvariants(planned: PlannedProvisioning, finalChecks: FinalChecks): Promise<string> {
  expect(await violations(planned)).toEqual([]);
  const { status, user, error } = await waitForOutcome(planned.id);
  finalChecks.addProvisioning(planned, user);
  return [status, user, ...(error === undefined ? [] : [error.code])].join(', ');
}

const repeatedPost = (count: number): Scenario => ({
  name: `${count} POSTs with one key start one provisioning`,
  async run(finalChecks) {
    const planned = await plan();
    const responses = await times(count, () => post(planned, planned.key));
    const ids = responses.map(({ body }) => provisioningAccepted.parse(body).provisioning_id);
    expect(new Set(ids)).toEqual(new Set([planned.id]));
    expect(await checkInvariants(planned, finalChecks)).toBe('SUCCEEDED, present');
    expect(await post(planned, planned.key)).toMatchObject({ status: 202, body: { status: 'SUCCEEDED' } });
  },
});

const sameUsername = (count: number): Scenario => ({
  name: `${count} provisionings of one username create one user`,
  async run(finalChecks) {
    const { username } = newRequest();
    const all = await times(count, async (n) => {
      const planned = await plan({ username });
      const key = `${planned.key}-${n}`;
      const { body } = await post(planned, key);
      return { ...planned, id: provisioningAccepted.parse(body).provisioning_id };
    });
    const outcomes = await Promise.all(all.map((planned) => checkInvariants(planned, finalChecks)));
    expect(outcomes.sort()).toEqual([
      ...Array.from({ length: count - 1 }, () => 'FAILED, absent, USER_ALREADY_EXISTS'),
      'SUCCEEDED, present',
    ]);
  },
});

const deleteDuring = (call: string): Scenario => ({
  name: `DELETE during ${call}`,
  async run(finalChecks) {
    const planned = await plan();
    const delay = await inject(delayCall(call, planned));
    await post(planned, planned.key);
    await delay.waitUntilFired(120_000);
    await deprovision(planned.id);
    expect(await checkInvariants(planned, finalChecks)).toMatch(/, absent/);
    await delay.lift();
  },
});

const scenarios: Scenario[] = [
  {
    name: 'POST with Prefer: wait is accepted while every DescribeExecution is throttled',
    async run(finalChecks) {
      const planned = await plan();
      const { username, password, human_user_id } = planned;
      const throttled = await inject({
        ...findCall('start-provisioning states:DescribeExecution').match(planned),
        error: { code: 'ThrottlingException', status: 400 },
      });
      const headers = { 'Idempotency-Key': planned.key, Prefer: 'wait=1' };
      const response = await system.provision(
        { username, password, human_user_id, ...requestedTargets },
        headers,
      );
      expect(response).toMatchObject({ status: 202, body: { provisioning_id: planned.id } });
      expect(await throttled.allFired()).toBe(true);
      await throttled.lift();
      expect(await checkInvariants(planned, finalChecks)).toBe('SUCCEEDED, present');
    },
  },
  repeatedPost(2),
  repeatedPost(50),
  sameUsername(2),
  sameUsername(5),
  {
    name: 'two POSTs with one key and different passwords: App1 accepts one and rejects the other',
    async run(finalChecks) {
      const planned = await plan();
      const other = { ...planned, password: newPassword() };
      const responses = await Promise.all([planned, other].map((request) => post(request, planned.key)));
      const statuses = responses.map(({ status }) => status).sort();
      expect(statuses).toEqual([202, 409]);
      const [first] = responses;
      const winner = first?.status === 202 ? planned : other;
      expect(responses.map(problemCode)).toContain('IDEMPOTENCY_CONFLICT');
      expect(await checkInvariants(winner, finalChecks)).toBe('SUCCEEDED, present');
    },
  },
  {
    name: 'DELETE before the request has reached App2: the late request creates nothing',
    async run(finalChecks) {
      const planned = await plan();
      const late = await inject({
        ...delayCall('RequestUserCreation POST /admin/create-user', planned),
        // Longer than a DELETE takes, shorter than the time limit of a request to App2.
        latency: 12_000,
      });
      await post(planned, planned.key);
      await late.waitUntilFired(120_000);
      await deprovision(planned.id);
      expect(await checkInvariants(planned, finalChecks)).toBe('ABORTED, absent, CANCELLED');
      // The request arrives, and the name of its execution is already in use.
      await eventually(async () => {
        expect(await findExecution('CreateServiceUser', planned.id)).toMatchObject({ error: 'Cancelled' });
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
  ].map(deleteDuring),
  {
    name: 'twenty concurrent DELETEs',
    async run(finalChecks) {
      const planned = await plan();
      await post(planned, planned.key);
      await waitForCompletion(planned.id);
      const responses = await times(20, () => system.deprovision(planned.id));
      expect(responses.every(({ status }) => status === 202 || status === 204)).toBe(true);
      await deprovision(planned.id);
      expect(await checkInvariants(planned, finalChecks)).toBe('SUCCEEDED, absent');
    },
  },
  {
    name: 'DELETE of a failed provisioning returns 204 at once',
    async run(finalChecks) {
      const planned = await plan({ password: passwordWithoutSymbol() });
      await post(planned, planned.key);
      await waitForCompletion(planned.id);
      expect((await system.deprovision(planned.id)).status).toBe(204);
      expect(await checkInvariants(planned, finalChecks)).toBe('FAILED, absent, PASSWORD_REJECTED');
    },
  },
  {
    name: 'DELETE of an unknown provisioning returns 404',
    async run() {
      const response = await system.deprovision(randomUUID());
      expect([response.status, problemCode(response)]).toEqual([404, 'NOT_FOUND']);
    },
  },
  ...Array.from(
    { length: 8 },
    (_, n): Scenario => ({
      name: `concurrent POST and DELETE, ${n}`,
      async run(finalChecks) {
        const planned = await plan();
        const [posted] = await Promise.all([post(planned, planned.key), system.deprovision(planned.id)]);
        expect(posted.status).toBe(202);
        await deprovision(planned.id);
        expect(await checkInvariants(planned, finalChecks)).toMatch(/, absent/);
      },
    }),
  ),
];

suite('concurrent requests', scenarios, {
  run: ({ run }, finalChecks) => run(finalChecks),
  check: () => undefined,
  sample: 4,
});
