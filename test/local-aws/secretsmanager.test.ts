import { randomUUID } from 'node:crypto';
import { AddPermissionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetRandomPasswordCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from '@jest/globals';
import { client } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createFunction, functionRole } from './support/functions.ts';
import { invocationLogs } from './support/logs.ts';
import { present } from './support/present.ts';
import { post } from './support/raw.ts';
import { callerWho } from './support/roles.ts';
import { unique } from './support/unique.ts';

const secrets = client(SecretsManagerClient);

describe('unchanged: Secrets Manager', () => {
  // secretsmanager/latest/apireference/API_GetSecretValue
  // recorded: secretsmanager test_get_secret_value
  it('returns a secret by name and by ARN', async () => {
    const { Name, ARN } = await secrets.send(create('{"password":"one"}'));

    for (const SecretId of [Name, ARN]) {
      const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId }));
      expect(SecretString).toBe('{"password":"one"}');
    }
  });

  // secretsmanager/latest/userguide/whats-in-a-secret: six random characters after the name
  it('gives a secret an ARN that cannot be guessed from its name', async () => {
    const { Name, ARN } = await secrets.send(create('s'));

    expect(ARN).toMatch(new RegExp(`:secret:${Name}-\\w{6}$`));
  });

  // secretsmanager/latest/apireference/API_PutSecretValue: AWSCURRENT moves, the former is AWSPREVIOUS
  // recorded: secretsmanager test_update_secret_version_stages_current_previous
  it('makes a new value current and keeps the previous one', async () => {
    const { ARN: SecretId } = await secrets.send(create('one'));
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'two' }));
    const value = async (VersionStage: string) =>
      (await secrets.send(new GetSecretValueCommand({ SecretId, VersionStage }))).SecretString;

    expect([await value('AWSCURRENT'), await value('AWSPREVIOUS')]).toEqual(['two', 'one']);
  });

  // secretsmanager/latest/apireference/API_GetSecretValue (Errors)
  // recorded: secretsmanager test_secret_not_found
  it('returns an error for a missing secret', async () => {
    const attempt = secrets.send(new GetSecretValueCommand({ SecretId: unique('none') }));

    await expect(attempt).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  // secretsmanager/latest/userguide/auth-and-access_iam-policies
  it('lets a caller read only the secret in its policy', async () => {
    const [mine, other] = [await secrets.send(create('mine')), await secrets.send(create('other'))];
    const reader = client(
      SecretsManagerClient,
      await callerWho({
        Effect: 'Allow',
        Action: 'secretsmanager:GetSecretValue',
        Resource: present(mine.ARN),
      }),
    );
    const read = (SecretId: string | undefined) => reader.send(new GetSecretValueCommand({ SecretId }));

    expect(await read(mine.ARN)).toMatchObject({ SecretString: 'mine' });
    await expect(read(other.ARN)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  // secretsmanager/latest/apireference/API_GetRandomPassword (RequireEachIncludedType)
  it('generates passwords with a character of each kind', async () => {
    const { RandomPassword } = await secrets.send(new GetRandomPasswordCommand({ PasswordLength: 12 }));

    expect(RandomPassword).toHaveLength(12);
    for (const kind of [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/]) expect(RandomPassword).toMatch(kind);
  });
});

describe('corrected: versions of a secret', () => {
  const newSecret = async (value = 'one') => {
    const { ARN, VersionId } = await secrets.send(create(value));
    return { SecretId: present(ARN), version: present(VersionId) };
  };
  const put = async (SecretId: string, SecretString: string, ...VersionStages: string[]) => {
    const { VersionId } = await secrets.send(
      new PutSecretValueCommand({ SecretId, SecretString, VersionStages }),
    );
    return present(VersionId);
  };

  // secretsmanager/latest/apireference/API_UpdateSecretVersionStage: a label is attached to one version at a time
  // recorded: secretsmanager test_update_secret_version_stages_current_pending_cycle
  it('has each label on one version, and a previously current version is not pending', async () => {
    const { SecretId, version: first } = await newSecret();
    const second = await put(SecretId, 'two', 'AWSPENDING');
    await secrets.send(makeCurrent(SecretId, second, first));

    expect(await labels(SecretId)).toEqual({
      [first]: ['AWSPREVIOUS'],
      [second]: ['AWSCURRENT', 'AWSPENDING'],
    });

    const third = await put(SecretId, 'three', 'AWSPENDING');

    expect(await labels(SecretId)).toEqual({
      [first]: ['AWSPREVIOUS'],
      [second]: ['AWSCURRENT'],
      [third]: ['AWSPENDING'],
    });
  });

  // secretsmanager/latest/apireference/API_PutSecretValue (VersionStages)
  // recorded: secretsmanager test_update_secret_version_stages_current_pending_cycle_custom_stages_2
  it('keeps labels beside AWSCURRENT', async () => {
    const { SecretId, version: first } = await newSecret();
    const second = await put(SecretId, 'two', 'MINE', 'AWSCURRENT');

    expect(await labels(SecretId)).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['AWSCURRENT', 'MINE'] });
  });

  // secretsmanager/latest/apireference/API_PutSecretValue (ClientRequestToken)
  it('writes the value of a version once, and accepts the same value again', async () => {
    const { SecretId } = await newSecret();
    const ClientRequestToken = randomUUID();
    const write = (SecretString: string) =>
      secrets.send(new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString }));

    for (const _ of [1, 2])
      expect(await write('two')).toMatchObject({
        VersionId: ClientRequestToken,
        VersionStages: ['AWSCURRENT'],
      });
    await expect(write('three')).rejects.toMatchObject({ name: 'ResourceExistsException' });
  });

  // secretsmanager/latest/apireference/API_CreateSecret and API_UpdateSecret (ClientRequestToken)
  it('uses the token as the id of the version in a creation or an update', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    const created = await secrets.send(
      new CreateSecretCommand({ Name: unique('secret'), SecretString: 'one', ClientRequestToken: first }),
    );
    const SecretId = present(created.ARN);
    const updated = await secrets.send(
      new UpdateSecretCommand({ SecretId, SecretString: 'two', ClientRequestToken: second }),
    );

    expect([created.VersionId, updated.VersionId]).toEqual([first, second]);
    expect(await labels(SecretId)).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['AWSCURRENT'] });
  });

  // secretsmanager/latest/apireference/API_CreateSecret: a secret can be made without a value
  // recorded: secretsmanager test_create_secret_version_from_empty_secret
  it('has no version before it has a value', async () => {
    const { ARN: SecretId, VersionId } = await secrets.send(
      new CreateSecretCommand({ Name: unique('secret') }),
    );

    expect([VersionId, await labels(present(SecretId))]).toEqual([undefined, {}]);
    await expect(secrets.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  // secretsmanager/latest/apireference/API_ListSecretVersionIds (IncludeDeprecated)
  // recorded: secretsmanager test_deprecated_secret_version_stage
  it('keeps a version that has lost its last label, and lists it on request', async () => {
    const { SecretId, version: first } = await newSecret();
    const later = [await put(SecretId, 'two', 'AWSCURRENT'), await put(SecretId, 'three', 'AWSCURRENT')];
    const listed = async (IncludeDeprecated: boolean) => {
      const { Versions = [] } = await secrets.send(
        new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated }),
      );
      return Versions.map(({ VersionId }) => VersionId).sort();
    };

    expect([await listed(false), await listed(true)]).toEqual([later.toSorted(), [first, ...later].sort()]);
  });

  // secretsmanager/latest/apireference/API_GetSecretValue (VersionId, VersionStage)
  // recorded: secretsmanager test_get_secret_value_errors
  it('rejects a label that the version does not have', async () => {
    const { SecretId, version: VersionId } = await newSecret();
    const read = new GetSecretValueCommand({ SecretId, VersionId, VersionStage: 'AWSPREVIOUS' });

    await expect(secrets.send(read)).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });

  // secretsmanager/latest/apireference/API_PutSecretValue (ClientRequestToken): an SDK makes one
  // recorded: secretsmanager test_no_client_request_token
  it.each([
    ['CreateSecret', 'InvalidRequestException'],
    ['UpdateSecret', 'InvalidRequestException'],
    ['PutSecretValue', 'InvalidRequestException'],
    ['RotateSecret', 'InvalidParameterException'],
  ])('rejects a %s without a version', async (operation, error) => {
    const { SecretId } = await newSecret();
    const secret = operation === 'CreateSecret' ? { Name: unique('secret') } : { SecretId };

    expect(
      await post('secretsmanager', `secretsmanager.${operation}`, { ...secret, SecretString: 'two' }),
    ).toMatchObject({ status: 400, body: { __type: error } });
  });

  // secretsmanager/latest/apireference/API_CreateSecret (Name) and API_DeleteSecret
  // recorded: secretsmanager test_exp_raised_on_creation_of_secret_scheduled_for_deletion
  it('creates no secret with the name of a secret that is scheduled for deletion', async () => {
    const { Name } = await secrets.send(create('one'));
    await secrets.send(new DeleteSecretCommand({ SecretId: Name }));

    await expect(secrets.send(new CreateSecretCommand({ Name, SecretString: 'two' }))).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
  });

  // secretsmanager/latest/apireference/API_DeleteSecret (ForceDeleteWithoutRecovery)
  // recorded: secretsmanager test_delete_non_existent_secret_returns_as_if_secret_exists
  it('accepts a forced deletion of a missing secret', async () => {
    const SecretId = unique('none');
    const command = new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true });

    expect(await secrets.send(command)).toMatchObject({ Name: SecretId });
  });

  // secretsmanager/latest/apireference/API_ListSecretVersionIds and API_DescribeSecret
  // recorded: secretsmanager test_update_secret_version_stages_current_pending_cycle, test_update_secret_description
  it('lists versions in order of creation with the day of the last access, and omits empty fields', async () => {
    const { SecretId, version: first } = await newSecret();
    await secrets.send(new GetSecretValueCommand({ SecretId }));
    const others: string[] = [];
    for (const label of ['a', 'b', 'c', 'd']) others.push(await put(SecretId, label, label));

    const { Versions = [] } = await secrets.send(new ListSecretVersionIdsCommand({ SecretId }));
    const description = await secrets.send(new DescribeSecretCommand({ SecretId }));

    expect(
      Versions.map(({ VersionId, LastAccessedDate }) => [VersionId, LastAccessedDate !== undefined]),
    ).toEqual([[first, true], ...others.map((version) => [version, false])]);
    for (const field of ['RotationEnabled', 'Tags', 'Description'])
      expect(description).not.toHaveProperty(field);
  });

  // secretsmanager/latest/apireference/API_CreateSecret (Name)
  // recorded: secretsmanager test_invalid_secret_name
  it('rejects a name with other characters', async () => {
    const attempt = secrets.send(new CreateSecretCommand({ Name: 'a name', SecretString: 'one' }));

    await expect(attempt).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

describe('corrected: Secrets Manager rotation', () => {
  const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

  /** A function that logs its events, with or without permission for Secrets Manager. */
  async function rotationFunction({
    body = '',
    role,
    open = true,
  }: {
    /** Its code for each step, with the variable `event`. */
    body?: string;
    role?: string;
    open?: boolean;
  } = {}): Promise<string> {
    const source = `
      exports.handler = async (event) => {
        console.log(JSON.stringify(event));
        ${body}
      };`;
    const arn = await createFunction(source, role === undefined ? {} : { role });
    if (open)
      await client(LambdaClient).send(
        new AddPermissionCommand({
          FunctionName: arn,
          StatementId: 'rotation',
          Action: 'lambda:InvokeFunction',
          Principal: 'secretsmanager.amazonaws.com',
        }),
      );
    return arn;
  }
  const failsIn = (step: string) => ({ body: `if (event.Step === '${step}') throw new Error('no');` });
  const rotate = (SecretId: string, RotationLambdaARN: string) =>
    secrets.send(new RotateSecretCommand({ SecretId, RotationLambdaARN }));
  const calls = async (functionArn: string): Promise<unknown[]> =>
    (await invocationLogs(functionArn)).map(([line = '{}']) => JSON.parse(line));

  // secretsmanager/latest/userguide/rotate-secrets_lambda-functions
  it('invokes the function for each of the four steps, with the new version', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);
    const arn = await rotationFunction();
    const { VersionId } = await rotate(SecretId, arn);

    await eventually(async () =>
      expect(await calls(arn)).toEqual(
        steps.map((Step) => expect.objectContaining({ Step, SecretId, ClientRequestToken: VersionId })),
      ),
    );
  });

  // secretsmanager/latest/apireference/API_DescribeSecret (VersionIdsToStages): the id is there before the value
  it('has a pending version without a value before the function is invoked', async () => {
    const { ARN, VersionId: first } = await secrets.send(create('one'));
    const SecretId = present(ARN);
    const { VersionId } = await rotate(SecretId, await rotationFunction(failsIn('createSecret')));
    const read = (which: object) => secrets.send(new GetSecretValueCommand({ SecretId, ...which }));

    expect(await labels(SecretId)).toEqual({
      [present(first)]: ['AWSCURRENT'],
      [present(VersionId)]: ['AWSPENDING'],
    });
    for (const which of [{ VersionId }, { VersionStage: 'AWSPENDING' }])
      await expect(read(which)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  // secretsmanager/latest/apireference/API_RotateSecret: AWSPENDING on another version than AWSCURRENT is an error
  it('is rejected while the previous one is not complete', async () => {
    const { ARN, VersionId: first } = await secrets.send(create('one'));
    const SecretId = present(ARN);
    const RotationLambdaARN = await rotationFunction(failsIn('createSecret'));
    const { VersionId } = await rotate(SecretId, RotationLambdaARN);

    await expect(rotate(SecretId, RotationLambdaARN)).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });

    await secrets.send(makeCurrent(SecretId, present(VersionId), present(first)));

    await expect(rotate(SecretId, RotationLambdaARN)).resolves.toMatchObject({ ARN: SecretId });
  });

  // secretsmanager/latest/apireference/API_DescribeSecret
  // recorded: secretsmanager test_rotate_secret_with_lambda_success
  it('returns the times of the last and the next rotation', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);
    const RotationLambdaARN = await rotationFunction();
    const RotationRules = { AutomaticallyAfterDays: 1 };
    await secrets.send(new RotateSecretCommand({ SecretId, RotationLambdaARN, RotationRules }));

    await eventually(async () =>
      expect(await secrets.send(new DescribeSecretCommand({ SecretId }))).toMatchObject({
        LastRotatedDate: expect.any(Date),
        NextRotationDate: expect.any(Date),
      }),
    );
  });

  // secretsmanager/latest/userguide/rotate-secrets_lambda-functions: the steps are the function's, all of them
  it('changes no value itself', async () => {
    const { ARN, VersionId } = await secrets.send(create('one'));
    const SecretId = present(ARN);
    await rotate(SecretId, await rotationFunction());

    expect(await secrets.send(new GetSecretValueCommand({ SecretId }))).toMatchObject({
      VersionId,
      VersionStages: ['AWSCURRENT'],
    });
  });

  // secretsmanager/latest/userguide/rotate-secrets_lambda-functions
  it('stops when a step fails', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);
    const arn = await rotationFunction(failsIn('setSecret'));
    await rotate(SecretId, arn);

    await eventually(async () =>
      expect(await calls(arn)).toEqual([
        expect.objectContaining({ Step: 'createSecret' }),
        expect.objectContaining({ Step: 'setSecret' }),
      ]),
    );
  });

  // secretsmanager/latest/apireference/API_RotateSecret (RotateImmediately)
  it('tests a schedule that does not rotate at once with a pending version without a value', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);
    const mayRead = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: SecretId } as const;
    const RotationLambdaARN = await rotationFunction({
      body: `
        const { SecretsManagerClient, GetSecretValueCommand } = require('@aws-sdk/client-secrets-manager');
        const version = { SecretId: event.SecretId, VersionId: event.ClientRequestToken };
        await new SecretsManagerClient({}).send(new GetSecretValueCommand(version)).catch(({ name }) => {
          console.log(JSON.stringify({ name }));
        });`,
      role: await functionRole(mayRead),
    });
    const command = { SecretId, RotationLambdaARN, RotateImmediately: false };
    const { VersionId } = await secrets.send(new RotateSecretCommand(command));

    await eventually(async () =>
      expect(
        (await invocationLogs(RotationLambdaARN)).map((lines) => lines.map((line) => JSON.parse(line))),
      ).toEqual([
        [
          { Step: 'testSecret', SecretId, ClientRequestToken: VersionId },
          { name: 'ResourceNotFoundException' },
        ],
      ]),
    );
    await eventually(async () => {
      const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
      expect(Object.values(VersionIdsToStages)).toEqual([['AWSCURRENT']]);
    });
  });

  // secretsmanager/latest/apireference/API_RotateSecret (Required permissions)
  it('requires that its caller may invoke the function', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);
    const RotationLambdaARN = await rotationFunction();
    const mayRotate = { Effect: 'Allow', Action: 'secretsmanager:RotateSecret', Resource: SecretId } as const;
    const mayCall = {
      Effect: 'Allow',
      Action: 'lambda:InvokeFunction',
      Resource: RotationLambdaARN,
    } as const;
    const command = new RotateSecretCommand({ SecretId, RotationLambdaARN });
    const without = client(SecretsManagerClient, await callerWho(mayRotate));
    const caller = client(SecretsManagerClient, await callerWho(mayRotate, mayCall));

    await expect(without.send(command)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await expect(caller.send(command)).resolves.toMatchObject({ ARN: SecretId });
  });

  // secretsmanager/latest/userguide/rotate-secrets_lambda-functions (AWSPENDING and a later invocation of RotateSecret)
  it('is rejected while a version is pending, but not after its label was removed', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);
    const RotationLambdaARN = await rotationFunction();
    const pending = await secrets.send(
      new PutSecretValueCommand({ SecretId, SecretString: 'two', VersionStages: ['AWSPENDING'] }),
    );

    await expect(rotate(SecretId, RotationLambdaARN)).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });

    await secrets.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'AWSPENDING',
        RemoveFromVersionId: present(pending.VersionId),
      }),
    );
    const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));

    expect(Object.values(VersionIdsToStages).flat()).not.toContain('AWSPENDING');
    await expect(rotate(SecretId, RotationLambdaARN)).resolves.toMatchObject({ ARN: SecretId });
  });

  // secretsmanager/latest/userguide/rotating-secrets-required-permissions-function
  // recorded: secretsmanager test_rotate_secret_invalid_lambda_arn
  it('requires permission to invoke the function', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);

    await expect(rotate(SecretId, await rotationFunction({ open: false }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });
});

function create(SecretString: string) {
  return new CreateSecretCommand({ Name: unique('secret'), SecretString });
}

function makeCurrent(SecretId: string, MoveToVersionId: string, RemoveFromVersionId: string) {
  return new UpdateSecretVersionStageCommand({
    SecretId,
    VersionStage: 'AWSCURRENT',
    MoveToVersionId,
    RemoveFromVersionId,
  });
}

/** The labels of each labelled version. */
async function labels(SecretId: string): Promise<Record<string, string[]>> {
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  return VersionIdsToStages;
}
