import {
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  CognitoIdentityProviderClient,
  ListUsersInGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler, revokeMachineCredentials } from '../../../handlers/app2/revoke-machine-credentials.ts';
import { fakeClock } from '../../support/clock.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { thrownBy } from '../../support/thrown.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const secretsManager = mockClient(SecretsManagerClient);
const log = watchLog();
const SecretId = 'the-secret';
const PASSWORD = 'canary-password';

let clock: ReturnType<typeof fakeClock>;
const revoke = () =>
  revokeMachineCredentials({
    cognito: new CognitoIdentityProviderClient({}),
    secretsManager: new SecretsManagerClient({}),
    clock,
    environment: { USER_POOL_ID: 'pool', SECRET_ARN: SecretId },
  })();

/** Staging labels that each read of the secret returns; the last ones are repeated. */
function stages(...reads: Record<string, string[]>[]) {
  const last = reads.at(-1) ?? {};
  reads
    .slice(0, -1)
    .reduce(
      (chain, VersionIdsToStages) => chain.resolvesOnce({ VersionIdsToStages }),
      secretsManager.on(DescribeSecretCommand),
    )
    .resolves({ VersionIdsToStages: last });
}
function currentIs(VersionId: string, username: string) {
  secretsManager.on(GetSecretValueCommand, { SecretId, VersionStage: 'AWSCURRENT' }).resolves({
    VersionId,
    VersionStages: ['AWSCURRENT'],
    SecretString: JSON.stringify({ username, password: PASSWORD, client_secret: 'canary-secret' }),
  });
}
/** Machine users in the pool before and after the rotation, which deletes some of them. */
function poolHas(before: string[], after: string[]) {
  const page = (usernames: string[]) => ({ Users: usernames.map((Username) => ({ Username })) });
  cognito.on(ListUsersInGroupCommand).resolvesOnce(page(before)).resolves(page(after));
}
const before = { old: ['AWSCURRENT'] };
const during = { old: ['AWSCURRENT'], made: ['AWSPENDING'] };
const after = { old: ['AWSPREVIOUS'], made: ['AWSCURRENT', 'AWSPENDING'] };
const named = (command: typeof AdminDisableUserCommand | typeof AdminDeleteUserCommand) =>
  cognito.commandCalls(command).map(({ args: [{ input }] }) => input.Username);
const expectNoDeletion = () =>
  expect([named(AdminDisableUserCommand), named(AdminDeleteUserCommand)]).toEqual([[], []]);

beforeEach(() => {
  clock = fakeClock();
  cognito.reset();
  secretsManager.reset();
  cognito.onAnyCommand().resolves({});
  poolHas(['leaked-one', 'older-one', 'abandoned-one'], ['leaked-one', 'abandoned-one', 'new-one']);
  secretsManager.on(RotateSecretCommand).resolves({ VersionId: 'made' });
  secretsManager.on(UpdateSecretVersionStageCommand).resolves({});
  stages(before, during, after);
  currentIs('made', 'new-one');
});

describe('RevokeMachineCredentials', () => {
  it('rotates the credentials, then disables all earlier users, then deletes them', async () => {
    await expect(revoke()).resolves.toEqual({ version_id: 'made', removed_users: 3 });

    expect(named(AdminDisableUserCommand)).toEqual(['leaked-one', 'abandoned-one']);
    expect(named(AdminDeleteUserCommand)).toEqual(['leaked-one', 'abandoned-one']);

    const order = cognito.calls().map(({ args: [command] }) => command.constructor.name);

    expect(order.lastIndexOf('AdminDisableUserCommand')).toBeLessThan(
      order.indexOf('AdminDeleteUserCommand'),
    );
  });

  it('waits for the rotation before it deletes a user', async () => {
    stages(before, during, during, during, after);

    await revoke();

    expect(clock.sleeps).toHaveLength(3);
  });

  it('cancels an abandoned rotation', async () => {
    stages({ old: ['AWSCURRENT'], abandoned: ['AWSPENDING'] }, after);

    await revoke();

    expect(
      secretsManager.commandCalls(UpdateSecretVersionStageCommand).map(({ args: [{ input }] }) => input),
    ).toEqual([{ SecretId, VersionStage: 'AWSPENDING', RemoveFromVersionId: 'abandoned' }]);
  });

  it('cancels nothing when the pending version is the current one', async () => {
    stages({ old: ['AWSCURRENT', 'AWSPENDING'] }, after);

    await revoke();

    expect(secretsManager.commandCalls(UpdateSecretVersionStageCommand)).toEqual([]);
  });

  it('starts after a rotation in progress has finished', async () => {
    secretsManager
      .on(RotateSecretCommand)
      .rejectsOnce(sdkError('InvalidRequestException'))
      .rejectsOnce(sdkError('InvalidRequestException'))
      .resolves({ VersionId: 'made' });
    stages(before, before, before, after);

    await expect(revoke()).resolves.toMatchObject({ version_id: 'made' });
  });

  it.each([
    ['the rotation does not finish', () => stages(before, during), 'has not finished'],
    [
      'another rotation never finishes',
      () => void secretsManager.on(RotateSecretCommand).rejects(sdkError('InvalidRequestException')),
      'InvalidRequestException',
    ],
    ['another rotation has replaced it', () => currentIs('another', 'other-one'), 'has replaced it'],
    [
      'the secret cannot be read',
      () => void secretsManager.on(GetSecretValueCommand).rejects(sdkError('ResourceNotFoundException')),
      'has replaced it',
    ],
    [
      'the rotation is refused',
      () => void secretsManager.on(RotateSecretCommand).rejects(sdkError('AccessDeniedException')),
      'AccessDeniedException',
    ],
    [
      'the response has no version id',
      () => void secretsManager.on(RotateSecretCommand).resolves({}),
      'no version id',
    ],
  ])('deletes no user when %s', async (_cause, arrange, message) => {
    arrange();

    const error = await thrownBy(revoke());

    expect(`${error.name}: ${error.message}`).toContain(message);
    expectNoDeletion();
  });

  it('fails before the timeout of its function when the rotation does not finish', async () => {
    stages(before, during);

    await thrownBy(revoke());

    expect(clock.sleeps.reduce((sum, pause) => sum + pause, 0)).toBeLessThan(180_000);
  });

  it('deletes the remaining users in a second run', async () => {
    cognito.on(AdminDeleteUserCommand).rejectsOnce(sdkError('TooManyRequestsException')).resolves({});

    await expect(revoke()).rejects.toMatchObject({ name: 'TooManyRequestsException' });

    stages(before, after);

    await expect(revoke()).resolves.toEqual({ version_id: 'made', removed_users: 2 });
  });

  it('has no secret in its errors', async () => {
    secretsManager
      .on(RotateSecretCommand)
      .rejects(sdkError('AccessDeniedException', { message: `${PASSWORD} is wrong` }));

    const error = await thrownBy(handler({}));

    expect(error.name).toBe('AccessDeniedException');
    expectNoLeak(PASSWORD, error, log());
  });
});
