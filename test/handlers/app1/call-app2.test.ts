import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ProvisioningStatus } from '../../../contracts/status.ts';
import type { App2Client } from '../../../handlers/app1/app2-client.ts';
import type { AwaitedCreations } from '../../../handlers/app1/awaited-creations.ts';
import { callApp2, callApp2Input, handler } from '../../../handlers/app1/call-app2.ts';
import { step } from '../../../handlers/shared/step.ts';
import { creationStatus } from '../../support/app2-replies.ts';
import { expectNoLeak } from '../../support/leaks.ts';
import { ENCRYPTED, GENERATION, PROVISIONING_ID, subject, TRACE_ID } from '../../support/subject.ts';

const requestUserCreation = jest.fn<App2Client['requestUserCreation']>();
const cancelUserCreation = jest.fn<App2Client['cancelUserCreation']>();
const readStatus = jest.fn<App2Client['readStatus']>();
const awaited = {
  expect: jest.fn<AwaitedCreations['expect']>(),
  await: jest.fn<AwaitedCreations['await']>(),
  resume: jest.fn<AwaitedCreations['resume']>(),
  settle: jest.fn<AwaitedCreations['settle']>(),
};
const readTimeline = jest.fn<App2Client['readTimeline']>();
const expiresAt = Date.parse('2026-01-01T00:15:00Z');
const run = step(
  callApp2Input,
  callApp2({
    app2: { requestUserCreation, readStatus, cancelUserCreation, readTimeline },
    awaited,
    hears: true,
    tokens: { get: async () => ({ value: 'canary-token', expiresAt }) },
  }),
);
const request = {
  action: 'RequestUserCreation',
  ...subject,
  encrypted_password: ENCRYPTED,
  owner: 'the-verified-owner',
  trace_id: TRACE_ID,
  can_wait: true,
};
const cancel = { action: 'CancelUserCreation', ...GENERATION, username: 'alice', trace_id: TRACE_ID };

const answered = (status: ProvisioningStatus, announced = false) => ({ status, announced });

/** App2's creation has failed, for its own reason. */
const failed = (code: NonNullable<ProvisioningStatus['error']>['code']) =>
  creationStatus({
    status: 'FAILED',
    error: { code, step: 'SetPassword', message: 'm', remedy: 'r', retryable: false },
  });

beforeEach(() => {
  jest.resetAllMocks();
});

describe('ReadTimeline', () => {
  it('gives what App2 tells', async () => {
    const told = { timeline: [], timeline_incomplete: ['app2' as const] };
    readTimeline.mockResolvedValue(told);

    await expect(run({ action: 'ReadTimeline', ...GENERATION })).resolves.toEqual(told);
    expect(readTimeline).toHaveBeenCalledWith(expect.objectContaining(GENERATION));
  });
});

describe('Authenticate', () => {
  it('gets a token and says only until when it lives', async () => {
    const output = await run({ action: 'Authenticate' });

    expect(output).toEqual({ expires_at: '2026-01-01T00:15:00.000Z' });
    expectNoLeak('canary-token', output);
  });
});

describe('RequestUserCreation', () => {
  it('is done when App2 says that the user is there, and returns nothing', async () => {
    requestUserCreation.mockResolvedValue(answered(creationStatus({ status: 'SUCCEEDED', user: 'present' })));

    await expect(run(request)).resolves.toEqual({});
    expect(requestUserCreation).toHaveBeenCalledWith(
      expect.objectContaining(GENERATION),
      { username: 'alice', encrypted_password: ENCRYPTED, human_user_id: 'h-42' },
      { onBehalfOf: 'the-verified-owner', traceId: TRACE_ID, hears: true },
    );
  });

  it('does not have App2 announce what a definition of the release before could not wait for', async () => {
    requestUserCreation.mockResolvedValue(answered(creationStatus({ status: 'SUCCEEDED', user: 'present' })));

    await run({ ...request, can_wait: undefined });

    expect(requestUserCreation.mock.lastCall?.[2]).toMatchObject({ hears: false });
  });

  it('asks to be repeated while App2 is at work', async () => {
    requestUserCreation.mockResolvedValue(answered(creationStatus()));

    await expect(run(request)).rejects.toMatchObject({ name: 'UserCreationPending' });
  });

  it.each([
    ['CREDENTIALS_REJECTED', 'CredentialsRejected'],
    ['PASSWORD_REJECTED', 'PasswordRejected'],
    ['USER_ALREADY_EXISTS', 'UserAlreadyExists'],
    ['USER_BEING_REMOVED', 'UserBeingRemoved'],
    ['USER_VANISHED', 'UserVanished'],
    ['INTERNAL_ERROR', 'UserCreationFailed'],
    ['CANCELLED', 'UserCreationFailed'],
  ] as const)("tells App2's %s as %s", async (code, name) => {
    requestUserCreation.mockResolvedValue(answered(failed(code)));

    await expect(run(request)).rejects.toMatchObject({ name });
  });

  it.each(['ABORTED', 'TIMED_OUT'] as const)('fails when App2 ended as %s', async (status) => {
    requestUserCreation.mockResolvedValue(answered(creationStatus({ status })));

    await expect(run(request)).rejects.toMatchObject({ name: 'UserCreationFailed' });
  });

  it('does not take a user that was made and removed again for a success', async () => {
    requestUserCreation.mockResolvedValue(
      answered(creationStatus({ status: 'SUCCEEDED', user: 'being_removed' })),
    );

    await expect(run(request)).rejects.toMatchObject({ name: 'UserCreationFailed' });
  });
});

describe('RequestUserCreation, when App2 will announce the end', () => {
  it('says so, and keeps when that is to be expected', async () => {
    const estimated_end_at = '2026-01-01T00:01:00.000Z';
    requestUserCreation.mockResolvedValue(answered(creationStatus({ estimated_end_at }), true));

    await expect(run(request)).rejects.toMatchObject({ name: 'UserCreationQueued' });
    expect(awaited.expect).toHaveBeenCalledWith(PROVISIONING_ID, estimated_end_at);
  });

  it('keeps nothing when it is not queued', async () => {
    requestUserCreation.mockResolvedValue(answered(creationStatus(), true));

    await expect(run(request)).rejects.toMatchObject({ name: 'UserCreationQueued' });
    expect(awaited.expect).not.toHaveBeenCalled();
  });
});

describe('AwaitUserCreation', () => {
  const wait = {
    action: 'AwaitUserCreation',
    ...GENERATION,
    missed: false,
    task_token: 'canary-task-token',
  };

  it('has its task resumed by the announcement, and does not ask App2', async () => {
    const output = await run(wait);

    expect(awaited.await).toHaveBeenCalledWith(PROVISIONING_ID, 'canary-task-token');
    expect(readStatus).not.toHaveBeenCalled();
    expectNoLeak('canary-task-token', output);
  });

  it.each([
    ['created', creationStatus({ status: 'SUCCEEDED', user: 'present' }), 'UserCreated'],
    ['refused', failed('PASSWORD_REJECTED'), 'PasswordRejected'],
    ['stopped', creationStatus({ status: 'ABORTED', user: 'being_removed' }), 'UserCreationFailed'],
  ] as const)(
    'asks when it has missed the announcement, and goes on with what was %s',
    async (_what, status, end) => {
      readStatus.mockResolvedValue(status);

      await run({ ...wait, missed: true });

      expect(awaited.resume).toHaveBeenCalledWith(PROVISIONING_ID, 'canary-task-token', end);
      expect(awaited.await).not.toHaveBeenCalled();
    },
  );

  it('goes on waiting when it has missed nothing', async () => {
    readStatus.mockResolvedValue(creationStatus());

    await run({ ...wait, missed: true });

    expect(awaited.resume).not.toHaveBeenCalled();
    expect(awaited.await).toHaveBeenCalledTimes(1);
  });
});

describe('CancelUserCreation', () => {
  it('is done when App2 says that no user is left', async () => {
    cancelUserCreation.mockResolvedValue('absent');

    await expect(run(cancel)).resolves.toEqual({});
    expect(cancelUserCreation).toHaveBeenCalledWith(expect.objectContaining(GENERATION), 'alice', {
      traceId: TRACE_ID,
    });
  });

  it.each(['being_removed', 'present'] as const)('asks to be repeated while the user is %s', async (user) => {
    cancelUserCreation.mockResolvedValue(creationStatus({ status: 'SUCCEEDED', user }));

    await expect(run(cancel)).rejects.toMatchObject({ name: 'UserRemovalPending' });
  });
});

it.each([
  ['an action that is not known', { action: 'CreateEverything' }],
  ['a cancellation of nothing', { action: 'CancelUserCreation' }],
])('refuses %s', async (_what, event) => {
  await expect(handler(event)).rejects.toMatchObject({ name: 'InvalidStepInput' });
});

it('passes over a field that it does not know: the definition may be of a newer release', async () => {
  cancelUserCreation.mockResolvedValue('absent');

  await expect(run({ ...cancel, from_a_newer_release: true })).resolves.toEqual({});
});
