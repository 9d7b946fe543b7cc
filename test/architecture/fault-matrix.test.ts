import { describe, expect, it } from '@jest/globals';
import { templates } from '../../infra/templates.ts';
import { calls, notifiedCalls, sharedCalls, sweepCalls } from '../faults/matrix/calls.ts';
import { permissions } from '../support/resources.ts';

/**
 * The fault matrix contains every AWS call of a function with the default settings. The permissions suite proves that a
 * function needs each of its permissions; so each permission is a call of the matrix or an exception with a reason.
 */

const { app1, app2 } = templates({ environment: 'local' });

/** `function action` of each permission, except for those that Lambda itself uses for the function. */
const allowed = [app1, app2].flatMap((template) =>
  Object.entries(permissions(template)).flatMap(([name, statements]) =>
    statements
      .flatMap(({ Action }) => Action)
      .filter((action) => !/^(logs|sqs|xray):/.test(action))
      // One call, two permissions.
      .map((action) => `${name} ${action.replace(/^kms:ReEncrypt(From|To)$/, 'kms:ReEncrypt')}`),
  ),
);

const SWEEPS = ['app1-sweep-provisionings', 'app2-sweep-user-creations'];
const inMatrix = new Set([
  ...[...calls, ...sharedCalls, ...notifiedCalls].map(
    ({ functionName, to }) => `${functionName} ${to.split(' ')[0]}`,
  ),
  ...SWEEPS.flatMap((sweep) => sweepCalls.map(({ action }) => `${sweep} ${action}`)),
]);

/** Calls without a row, with the reason. */
const WITHOUT_ROW: readonly { about: RegExp; reason: string }[] = [
  {
    about: /^app2-(issue|rotate)-machine-user |^app2-revoke-machine-credentials /,
    reason: 'It serves no single provisioning. Its faults affect sign-ins, which are rows of Authenticate.',
  },
  {
    about: /^app1-get-provisioning |^app2-get-user-creation states:/,
    reason: 'It reads a status and changes nothing: the client polls again.',
  },
  {
    about: /^app1-start-provisioning dynamodb:GetItem$/,
    reason: 'It reads the estimate of a queued creation, which the response can omit.',
  },
  {
    about: /^app1-retry-provisioning /,
    reason: 'A retry is a POST with an encrypted password; its calls are those of start-provisioning.',
  },
  {
    about: /^app1-call-target states:SendTaskFailure$/,
    reason: 'As SendTaskSuccess, if App2 has no user after a notification.',
  },
  {
    about: /^app2-(decrypt-credentials|stop-user-creation) dynamodb:/,
    reason: 'Further calls of the rate limiter in a queue: best effort like its first call, which is a row.',
  },
  {
    about: /^app[12]-sweep-[a-z-]+ states:(DescribeExecution|StartExecution)$/,
    reason: 'The next run handles the executions that a run of the sweep could not handle.',
  },
];

describe('the fault matrix', () => {
  it.each([...new Set(allowed)].filter((call) => !inMatrix.has(call)))(
    'does not need a row for %s',
    (call) => {
      expect(WITHOUT_ROW.filter(({ about }) => about.test(call)).map(({ reason }) => reason)).toHaveLength(1);
    },
  );

  it.each(WITHOUT_ROW)('has an exception that applies: $about', ({ about }) => {
    expect(allowed.some((call) => about.test(call) && !inMatrix.has(call))).toBe(true);
  });

  it('has only calls that a function has permission for', () => {
    const withoutPermission = [...inMatrix].filter(
      (call) => /^app[12]-/.test(call) && !allowed.includes(call),
    );

    // Neither needs a permission: Cognito's sign-in and the keys of a pool are public.
    expect(withoutPermission.sort()).toEqual([
      'app1-call-target cognito-idp:InitiateAuth',
      'app2-authorizer GET',
    ]);
  });
});
