import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { ProvisioningStatus } from '../../../contracts/status.ts';
import { callTarget, callTargetInput, handler } from '../../../handlers/app1/call-target.ts';
import type { CallbackRegistry } from '../../../handlers/app1/lib/callback-registry.ts';
import { presentTarget } from '../../../handlers/app1/lib/registry.ts';
import type { ResumeTask } from '../../../handlers/app1/lib/resume-task.ts';
import type { TargetClient } from '../../../handlers/app1/lib/target-client.ts';
import { step } from '../../../handlers/shared/step.ts';
import { expectNoLeak } from '../../support/leaks.ts';
import { ENCRYPTED, GENERATION, PROVISIONING_ID, subject, TRACE_ID } from '../../support/subject.ts';
import { creationStatus } from '../../support/target-replies.ts';
import { REGISTRY } from '../../support/targets.ts';

const requestUserCreation = jest.fn<TargetClient['requestUserCreation']>();
const cancelUserCreation = jest.fn<TargetClient['cancelUserCreation']>();
const readStatus = jest.fn<TargetClient['readStatus']>();
const callbacks = {
  registerTaskToken: jest.fn<CallbackRegistry['registerTaskToken']>(),
  recordNotification: jest.fn<CallbackRegistry['recordNotification']>(),
};
const resumeTask = jest.fn<ResumeTask>();
const readTimeline = jest.fn<TargetClient['readTimeline']>();
const expiresAt = Date.parse('2026-01-01T00:15:00Z');
const run = step(
  callTargetInput,
  callTarget({
    registry: REGISTRY,
    connect: (target) => {
      presentTarget(REGISTRY, target);
      return {
        client: { requestUserCreation, readStatus, cancelUserCreation, readTimeline },
        tokens: { get: async () => ({ value: 'canary-token', expiresAt }) },
      };
    },
    callbacks,
    resumeTask,
  }),
);
const request = {
  action: 'RequestUserCreation',
  target: 'app2',
  ...subject,
  encrypted_password: ENCRYPTED,
  owner: 'the-verified-owner',
  trace_id: TRACE_ID,
  task_token: 'canary-task-token',
  step: { attempt: 2 },
};
const cancel = {
  action: 'CancelUserCreation',
  target: 'app2',
  ...GENERATION,
  username: 'alice',
  trace_id: TRACE_ID,
};

const reply = (status: ProvisioningStatus, notifies = false) => ({ status, notifies });
const SUCCEEDED = creationStatus({ status: 'SUCCEEDED', user: 'present' });
const task = { ...GENERATION, target: 'app2', username: 'alice', task_token: 'canary-task-token' };

/** A creation at App2 that failed with App2's own error. */
const failed = (code: NonNullable<ProvisioningStatus['error']>['code']) =>
  creationStatus({
    status: 'FAILED',
    error: { code, step: 'SetPassword', message: 'm', remedy: 'r', retryable: false },
  });

beforeEach(() => {
  jest.resetAllMocks();
  callbacks.registerTaskToken.mockResolvedValue({ notified: false });
});

describe('ReadTimeline', () => {
  it("returns App2's part of the timeline", async () => {
    const timelineOfTarget = { timeline: [], timeline_incomplete: ['app2' as const] };
    readTimeline.mockResolvedValue(timelineOfTarget);

    await expect(run({ action: 'ReadTimeline', target: 'app2', ...GENERATION })).resolves.toEqual(
      timelineOfTarget,
    );
    expect(readTimeline).toHaveBeenCalledWith(expect.objectContaining(GENERATION));
  });
});

describe('Authenticate', () => {
  it('signs in and returns only the expiry of the token', async () => {
    const output = await run({ action: 'Authenticate', target: 'app2' });

    expect(output).toEqual({ expires_at: '2026-01-01T00:15:00.000Z' });
    expectNoLeak('canary-token', output);
  });
});

describe('RequestUserCreation', () => {
  it('finishes its own task when App2 reports the user as present', async () => {
    requestUserCreation.mockResolvedValue(reply(SUCCEEDED));

    await expect(run(request)).resolves.toEqual({});
    expect(resumeTask.mock.calls).toEqual([[expect.objectContaining(task), 'UserCreated']]);
    expect(callbacks.registerTaskToken).not.toHaveBeenCalled();
    expect(requestUserCreation).toHaveBeenCalledWith(
      expect.objectContaining(GENERATION),
      { username: 'alice', encrypted_password: ENCRYPTED, human_user_id: 'h-42' },
      { onBehalfOf: 'the-verified-owner', traceId: TRACE_ID },
    );
  });

  it('fails with UserCreationPending while the creation is running', async () => {
    requestUserCreation.mockResolvedValue(reply(creationStatus()));

    await expect(run(request)).rejects.toMatchObject({ name: 'UserCreationPending' });
  });

  it.each([
    ['CREDENTIALS_REJECTED', 'CredentialsRejected'],
    ['PASSWORD_REJECTED', 'PasswordRejected'],
    ['USER_ALREADY_EXISTS', 'UserAlreadyExists'],
    ['USER_BEING_REMOVED', 'UserBeingRemoved'],
    ['USER_NOT_FOUND', 'UserNotFound'],
    ['QUEUE_FULL', 'CreationDeferred'],
    ['INTERNAL_ERROR', 'UserCreationFailed'],
    ['CANCELLED', 'UserCreationFailed'],
  ] as const)("maps App2's code %s to %s", async (code, name) => {
    requestUserCreation.mockResolvedValue(reply(failed(code)));

    await expect(run(request)).rejects.toMatchObject({ name });
  });

  it.each(['ABORTED', 'TIMED_OUT'] as const)('fails when the creation at App2 is %s', async (status) => {
    requestUserCreation.mockResolvedValue(reply(creationStatus({ status })));

    await expect(run(request)).rejects.toMatchObject({ name: 'UserCreationFailed' });
  });

  it('fails when App2 created the user and removed it again', async () => {
    requestUserCreation.mockResolvedValue(
      reply(creationStatus({ status: 'SUCCEEDED', user: 'being_removed' })),
    );

    await expect(run(request)).rejects.toMatchObject({ name: 'UserCreationFailed' });
  });
});

describe('RequestUserCreation with a completion notification', () => {
  const estimated_end_at = '2026-01-01T00:01:00.000Z';

  it('sends no request for a redriven execution', async () => {
    await expect(run({ ...request, redrive_count: 1 })).rejects.toMatchObject({ name: 'RedriveRefused' });

    expect(requestUserCreation).not.toHaveBeenCalled();
  });

  it('registers its task and does not finish it', async () => {
    requestUserCreation.mockResolvedValue(reply(creationStatus({ estimated_end_at }), true));

    const output = await run(request);

    expect(output).toEqual({});
    expect(callbacks.registerTaskToken.mock.calls).toEqual([[{ ...task, attempt: 2, estimated_end_at }]]);
    expect([readStatus.mock.calls, resumeTask.mock.calls]).toEqual([[], []]);
    expectNoLeak('canary-task-token', output);
  });

  it('polls immediately when the notification arrived before the registration', async () => {
    requestUserCreation.mockResolvedValue(reply(creationStatus(), true));
    callbacks.registerTaskToken.mockResolvedValue({ notified: true });
    readStatus.mockResolvedValue(SUCCEEDED);

    await run(request);

    expect(readStatus.mock.calls).toEqual([[task, 'alice']]);
    expect(resumeTask.mock.calls).toEqual([[task, 'UserCreated']]);
  });
});

describe('a completion notification', () => {
  const notification = { action: 'ResumeProvisioning', target: 'app2', provisioning_id: PROVISIONING_ID };

  it.each([
    ['created', SUCCEEDED, 'UserCreated'],
    ['refused', failed('PASSWORD_REJECTED'), 'PasswordRejected'],
    ['stopped', creationStatus({ status: 'ABORTED', user: 'being_removed' }), 'UserCreationFailed'],
  ] as const)('finishes the task with the status of App2: %s', async (_what, status, outcome) => {
    callbacks.recordNotification.mockResolvedValue(task);
    readStatus.mockResolvedValue(status);

    await expect(run(notification)).resolves.toEqual({});

    expect(readStatus.mock.calls).toEqual([[task, 'alice']]);
    expect(resumeTask.mock.calls).toEqual([[task, outcome]]);
  });

  it('does not finish the task while App2 reports the creation as running', async () => {
    callbacks.recordNotification.mockResolvedValue(task);
    readStatus.mockResolvedValue(creationStatus());

    await run(notification);

    expect(resumeTask).not.toHaveBeenCalled();
  });

  it('is recorded without a call to App2 when no task is registered yet', async () => {
    await run(notification);

    expect(callbacks.recordNotification.mock.calls).toEqual([
      [expect.objectContaining({ provisioning_id: PROVISIONING_ID, target: 'app2' })],
    ]);
    expect(readStatus).not.toHaveBeenCalled();
  });
});

describe('CancelUserCreation', () => {
  it('succeeds when App2 reports that no user exists', async () => {
    cancelUserCreation.mockResolvedValue('absent');

    await expect(run(cancel)).resolves.toEqual({ target: 'app2', user: 'absent' });
    expect(cancelUserCreation).toHaveBeenCalledWith(expect.objectContaining(GENERATION), 'alice', {
      traceId: TRACE_ID,
    });
  });

  it.each(['being_removed', 'present'] as const)(
    'fails with UserRemovalPending while the user is %s',
    async (user) => {
      cancelUserCreation.mockResolvedValue(creationStatus({ status: 'SUCCEEDED', user }));

      await expect(run(cancel)).rejects.toMatchObject({ name: 'UserRemovalPending' });
    },
  );
});

describe('a target that is gone', () => {
  it('needs no compensation: it is reported as gone without a call', async () => {
    await expect(run({ ...cancel, target: 'old' })).resolves.toEqual({ target: 'old', user: 'gone' });

    expect(cancelUserCreation).not.toHaveBeenCalled();
  });

  it.each([{ action: 'Authenticate' }, request, { action: 'ReadTimeline', ...GENERATION }])(
    'fails with TargetNotRegistered in another step ($action)',
    async (input) => {
      await expect(run({ ...input, target: 'old' })).rejects.toMatchObject({ name: 'TargetNotRegistered' });
    },
  );
});

describe('a target that is not registered', () => {
  it.each([{ action: 'Authenticate' }, request, cancel, { action: 'ReadTimeline', ...GENERATION }])(
    'fails with TargetNotRegistered, and never counts as absent ($action)',
    async (input) => {
      await expect(run({ ...input, target: 'unknown' })).rejects.toMatchObject({
        name: 'TargetNotRegistered',
      });
      expect([cancelUserCreation.mock.calls, requestUserCreation.mock.calls]).toEqual([[], []]);
    },
  );
});

describe('a retired target', () => {
  it('is still called for a compensation', async () => {
    cancelUserCreation.mockResolvedValue('absent');

    await expect(run({ ...cancel, target: 'orders' })).resolves.toEqual({ target: 'orders', user: 'absent' });
    expect(cancelUserCreation).toHaveBeenCalledTimes(1);
  });
});

describe('the handler', () => {
  const cognito = mockClient(CognitoIdentityProviderClient);
  const secrets = mockClient(SecretsManagerClient);
  const fetch = jest.spyOn(globalThis, 'fetch');
  const readTimelineOf = (target: string) => handler({ action: 'ReadTimeline', target, ...GENERATION });
  const sent = () =>
    fetch.mock.calls.map(([url, init]) => [
      new URL(String(url)).host,
      new Headers(init?.headers).get('Authorization'),
    ]);

  beforeEach(() => {
    secrets.on(GetSecretValueCommand).callsFake(async ({ SecretId = '' }: { SecretId?: string }) => ({
      SecretString: JSON.stringify({ username: SecretId, password: 'p', client_secret: 's' }),
    }));
    cognito.on(InitiateAuthCommand).callsFake(async ({ ClientId }: { ClientId?: string }) => ({
      AuthenticationResult: { AccessToken: `token-of-${ClientId}`, ExpiresIn: 900 },
    }));
    fetch.mockImplementation(async () => Response.json(creationStatus({ timeline: [] })));
  });

  afterAll(() => fetch.mockRestore());

  it("sends each target only the token of App1's client there", async () => {
    await readTimelineOf('app2');
    await readTimelineOf('payments');

    expect(sent()).toEqual([
      ['app2.example', 'Bearer token-of-app2-machine-client'],
      ['payments.example', 'Bearer token-of-payments-machine-client'],
    ]);
  });

  it('keeps the token of one target when another target refuses its token', async () => {
    await readTimelineOf('app2');
    await readTimelineOf('payments');
    cognito.resetHistory();
    fetch.mockResolvedValueOnce(new Response(null, { status: 401 }));

    await readTimelineOf('payments');
    await readTimelineOf('app2');

    expect(cognito.commandCalls(InitiateAuthCommand).map(({ args }) => args[0].input.ClientId)).toEqual([
      'payments-machine-client',
    ]);
  });
});

it.each([
  ['an action that is not known', { action: 'CreateEverything' }],
  ['a cancellation of nothing', { action: 'CancelUserCreation' }],
])('refuses %s', async (_what, event) => {
  await expect(handler(event)).rejects.toMatchObject({ name: 'InvalidStepInput' });
});

it('ignores an unknown field, which a newer definition may send', async () => {
  cancelUserCreation.mockResolvedValue('absent');

  await expect(run({ ...cancel, from_a_newer_release: true })).resolves.toEqual({
    target: 'app2',
    user: 'absent',
  });
});
