import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
  InitiateAuthCommand,
  ListUsersInGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { machineCredentials } from '../../../contracts/app2-api.ts';
import { handler, rotateMachineUser } from '../../../handlers/app2/rotate-machine-user.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { thrownBy } from '../../support/thrown.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const secretsManager = mockClient(SecretsManagerClient);
const eventBridge = mockClient(EventBridgeClient);
const log = watchLog();
const SecretId = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:credentials';
const TOKEN = 'the-new-version';
type Step = 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';

const rotate = (Step: Step) =>
  rotateMachineUser({
    cognito: new CognitoIdentityProviderClient({}),
    secretsManager: new SecretsManagerClient({}),
    eventBridge: new EventBridgeClient({}),
    now: () => new Date('2026-01-01T00:00:00Z'),
    environment: {
      SERVICE: 'app2',
      USER_POOL_ID: 'pool',
      MACHINE_CLIENT_ID: 'client',
      API_CLIENT_GROUP: 'api-client',
      EVENT_BUS_NAME: 'bus',
    },
  })({ Step, SecretId, ClientRequestToken: TOKEN });

/** Machine users in the pool. */
function poolHas(...usernames: string[]) {
  cognito.on(ListUsersInGroupCommand).resolves({
    Users: usernames.map((Username) => ({ Username, Attributes: [{ Name: 'sub', Value: 's' }] })),
  });
}
const revoked = () =>
  [AdminDisableUserCommand, AdminDeleteUserCommand].map((command) =>
    cognito.commandCalls(command).map(({ args: [{ input }] }) => input),
  );
const users = (...usernames: string[]) => usernames.map((Username) => ({ UserPoolId: 'pool', Username }));

const passwordOf = (username: string) => `canary-password-of-${username}`;
function version(
  which: { VersionId: string } | { VersionStage: 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS' },
  VersionId: string,
  username: string,
  VersionStages = ['AWSPENDING'],
) {
  secretsManager.on(GetSecretValueCommand, { SecretId, ...which }).resolves({
    VersionId,
    VersionStages,
    SecretString: JSON.stringify({
      username,
      password: passwordOf(username),
      client_secret: 'canary-secret',
    }),
  });
}
const pending = () => version({ VersionId: TOKEN }, TOKEN, 'new-one');

beforeEach(() => {
  cognito.reset();
  secretsManager.reset();
  eventBridge.reset();
  eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: 'e-1' }] });
  secretsManager.on(GetSecretValueCommand).rejects(sdkError('ResourceNotFoundException'));
  secretsManager.on(DescribeSecretCommand).resolves({ VersionIdsToStages: { [TOKEN]: ['AWSPENDING'] } });
  secretsManager.on(PutSecretValueCommand).resolves({});
  secretsManager.on(UpdateSecretVersionStageCommand).resolves({});
  cognito.onAnyCommand().resolves({});
  cognito.on(DescribeUserPoolClientCommand).resolves({ UserPoolClient: { ClientSecret: 'client-secret' } });
  version({ VersionStage: 'AWSCURRENT' }, 'the-present-version', 'present-one');
  version({ VersionStage: 'AWSPREVIOUS' }, 'the-former-version', 'former-one');
});

describe('createSecret', () => {
  it('stores new credentials as the pending version, and creates no user yet', async () => {
    await rotate('createSecret');

    const [put] = secretsManager.commandCalls(PutSecretValueCommand);
    const made = machineCredentials.parse(JSON.parse(put?.args[0].input.SecretString ?? ''));

    expect(put?.args[0].input).toMatchObject({
      SecretId,
      ClientRequestToken: TOKEN,
      VersionStages: ['AWSPENDING'],
    });
    expect(made.username).toMatch(/^app1-api-client-[0-9a-f]{32}$/);
    expect(cognito.commandCalls(AdminCreateUserCommand)).toEqual([]);
  });

  it('is idempotent', async () => {
    pending();

    await rotate('createSecret');

    expect(secretsManager.commandCalls(PutSecretValueCommand)).toEqual([]);
  });

  // secretsmanager/latest/apireference/API_DescribeSecret (VersionIdsToStages): only versions with a label. RotateSecret
  // gives the new version its label before this step.
  it('is refused for a version without its label, so that another rotation keeps AWSPENDING', async () => {
    secretsManager
      .on(DescribeSecretCommand)
      .resolves({ VersionIdsToStages: { 'the-next-version': ['AWSPENDING'] } });

    const error = await thrownBy(rotate('createSecret'));

    expect(error.message).toBe('The version is not pending any more, so createSecret is refused.');
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toEqual([]);
    expect(cognito.calls()).toEqual([]);
  });
});

describe('setSecret', () => {
  it('creates the new user, and changes no other user', async () => {
    pending();

    await rotate('setSecret');

    const user = { UserPoolId: 'pool', Username: 'new-one' };

    expect(cognito.commandCalls(AdminSetUserPasswordCommand)[0]?.args[0].input).toEqual({
      ...user,
      Password: passwordOf('new-one'),
      Permanent: true,
    });
    expect(cognito.commandCalls(AdminAddUserToGroupCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { ...user, GroupName: 'api-client' },
      { ...user, GroupName: 'owner-app1' },
    ]);
    expect(revoked()).toEqual([[], []]);
  });

  it('is idempotent after each of its calls', async () => {
    pending();
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));

    await rotate('setSecret');

    expect(cognito.commandCalls(AdminAddUserToGroupCommand)).toHaveLength(2);
  });
});

describe('testSecret', () => {
  it('signs in with the pending credentials', async () => {
    pending();

    await rotate('testSecret');

    expect(cognito.commandCalls(InitiateAuthCommand)[0]?.args[0].input).toMatchObject({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: 'client',
      AuthParameters: { USERNAME: 'new-one', PASSWORD: passwordOf('new-one') },
    });
  });

  it('fails when the sign-in is refused', async () => {
    pending();
    cognito.on(InitiateAuthCommand).rejects(sdkError('NotAuthorizedException'));

    await expect(rotate('testSecret')).rejects.toMatchObject({ name: 'NotAuthorizedException' });
  });

  it('succeeds for a version without a value, when the schedule is set', async () => {
    await expect(rotate('testSecret')).resolves.toBeUndefined();
    expect(cognito.calls()).toEqual([]);
  });
});

describe('finishSecret', () => {
  it('makes the pending version the current one', async () => {
    pending();

    await rotate('finishSecret');

    expect(secretsManager.commandCalls(UpdateSecretVersionStageCommand)[0]?.args[0].input).toEqual({
      SecretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: TOKEN,
      RemoveFromVersionId: 'the-present-version',
    });
  });

  it('publishes the same event in each attempt, without a secret', async () => {
    pending();

    await rotate('finishSecret');
    version({ VersionStage: 'AWSCURRENT' }, TOKEN, 'new-one');
    await rotate('finishSecret');

    const [event, again] = eventBridge.commandCalls(PutEventsCommand).map(({ args }) => args[0].input);

    expect(event).toMatchObject({
      Entries: [
        { EventBusName: 'bus', Source: 'app2.service-users', DetailType: 'MachineCredentialsRotated' },
      ],
    });
    expect(JSON.parse(event?.Entries?.[0]?.Detail ?? '')).toMatchObject({
      metadata: {
        event_id: `app2:${TOKEN}:10:MachineCredentialsRotated`,
        provisioning_id: null,
        causation_id: `rotation:${TOKEN}`,
      },
      data: { secret_arn: SecretId, version_id: TOKEN },
    });
    expect(again).toEqual(event);
    expectNoLeak('new-one', event);
  });

  it('moves no label when it is repeated', async () => {
    pending();
    version({ VersionStage: 'AWSCURRENT' }, TOKEN, 'new-one');

    await rotate('finishSecret');

    expect(secretsManager.commandCalls(UpdateSecretVersionStageCommand)).toEqual([]);
  });

  it('deletes the machine users without a version in use: older ones, and those of abandoned rotations', async () => {
    pending();
    poolHas('older-one', 'former-one', 'present-one', 'abandoned-one', 'new-one');

    await rotate('finishSecret');

    const gone = users('older-one', 'abandoned-one');
    const order = cognito.calls().map(({ args: [command] }) => command.constructor.name);

    expect(revoked()).toEqual([gone, gone]);
    expect(order.lastIndexOf('AdminDisableUserCommand')).toBeLessThan(
      order.indexOf('AdminDeleteUserCommand'),
    );
  });

  it('reads every page of machine users', async () => {
    pending();
    cognito.on(ListUsersInGroupCommand).resolves({ Users: users('older-one'), NextToken: 'more' });
    cognito.on(ListUsersInGroupCommand, { NextToken: 'more' }).resolves({ Users: users('oldest-one') });

    await rotate('finishSecret');

    expect(revoked()[1]).toEqual(users('older-one', 'oldest-one'));
    expect(cognito.commandCalls(ListUsersInGroupCommand)[0]?.args[0].input).toEqual({
      UserPoolId: 'pool',
      GroupName: 'owner-app1',
      Limit: 60,
    });
  });

  it('does not delete a service user in the group', async () => {
    pending();
    cognito.on(ListUsersInGroupCommand).resolves({
      Users: [{ Username: 'ada', Attributes: [{ Name: 'custom:provisioning_id', Value: 'an-id' }] }],
    });

    await rotate('finishSecret');

    expect(revoked()).toEqual([[], []]);
  });

  it('deletes no user at the first rotation, when the previous version has no credentials', async () => {
    pending();
    poolHas('present-one', 'new-one');
    secretsManager
      .on(GetSecretValueCommand, { SecretId, VersionStage: 'AWSPREVIOUS' })
      .resolves({ VersionId: 'first', SecretString: 'the random string of a new secret' });

    await rotate('finishSecret');

    expect(revoked()).toEqual([[], []]);
  });

  it('deletes no user when the versions in use cannot be read', async () => {
    pending();
    poolHas('present-one', 'older-one', 'new-one');
    secretsManager
      .on(GetSecretValueCommand, { SecretId, VersionStage: 'AWSPREVIOUS' })
      .rejects(sdkError('InternalServiceError'));

    await expect(rotate('finishSecret')).rejects.toMatchObject({ name: 'InternalServiceError' });
    expect(revoked()).toEqual([[], []]);
  });

  it('does not delete the user of a rotation that starts in between', async () => {
    pending();
    cognito.on(ListUsersInGroupCommand).callsFake(() => {
      version({ VersionStage: 'AWSPENDING' }, 'the-next-version', 'next-one');
      return { Users: users('older-one', 'next-one') };
    });

    await rotate('finishSecret');

    expect(revoked()[1]).toEqual(users('older-one'));
  });

  it('is idempotent when some users are deleted already', async () => {
    pending();
    poolHas('older-one', 'abandoned-one');
    cognito.on(AdminDisableUserCommand, { Username: 'older-one' }).rejects(sdkError('UserNotFoundException'));
    cognito.on(AdminDeleteUserCommand, { Username: 'older-one' }).rejects(sdkError('UserNotFoundException'));

    await rotate('finishSecret');

    expect(revoked()[1]).toEqual(users('older-one', 'abandoned-one'));
  });

  it.each([AdminDisableUserCommand, AdminDeleteUserCommand])(
    'fails when a user cannot be deleted, so that Secrets Manager retries (%p)',
    async (command) => {
      pending();
      poolHas('older-one');
      cognito.on(command).rejects(sdkError('TooManyRequestsException'));

      await expect(rotate('finishSecret')).rejects.toMatchObject({ name: 'TooManyRequestsException' });
    },
  );

  it('fails when the event is not published, so that Secrets Manager retries', async () => {
    pending();
    eventBridge
      .on(PutEventsCommand)
      .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] });

    await expect(rotate('finishSecret')).rejects.toThrow(
      'MachineCredentialsRotated was not published: ThrottlingException.',
    );
  });
});

describe('RotateMachineUser', () => {
  it.each(['setSecret', 'finishSecret'] as const)(
    'refuses %s for a version that does not exist',
    async (step) => {
      const error = await thrownBy(rotate(step));

      expect(error.message).toContain(`${step} needs a pending version`);
      expect(cognito.calls()).toEqual([]);
    },
  );

  it.each(['setSecret', 'testSecret', 'finishSecret'] as const)(
    'refuses %s for a version without its label, because its credentials were revoked',
    async (step) => {
      version({ VersionId: TOKEN }, TOKEN, 'new-one', []);

      const error = await thrownBy(rotate(step));

      expect(error.message).toContain('not pending any more');
      expect(cognito.calls()).toEqual([]);
      expect(secretsManager.commandCalls(UpdateSecretVersionStageCommand)).toEqual([]);
    },
  );

  it('has no secret in its errors', async () => {
    pending();
    cognito
      .on(AdminSetUserPasswordCommand)
      .rejects(sdkError('InvalidPasswordException', { message: `${passwordOf('new-one')} is too short` }));

    const error = await thrownBy(handler({ Step: 'setSecret', SecretId, ClientRequestToken: TOKEN }));

    expect(error.name).toBe('InvalidPasswordException');
    expectNoLeak(passwordOf('new-one'), error, log());
  });
});
