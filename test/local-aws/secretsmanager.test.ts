import { AddPermissionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetRandomPasswordCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from '@jest/globals';
import { client } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createFunction, functionRole } from './support/functions.ts';
import { invocationLogs } from './support/logs.ts';
import { present } from './support/present.ts';
import { callerWho } from './support/roles.ts';
import { unique } from './support/unique.ts';

const secrets = client(SecretsManagerClient);

describe('as it comes: Secrets Manager', () => {
  // secretsmanager/latest/apireference/API_GetSecretValue
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
  it('makes a put value the current one and keeps the former', async () => {
    const { ARN: SecretId } = await secrets.send(create('one'));
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'two' }));
    const value = async (VersionStage: string) =>
      (await secrets.send(new GetSecretValueCommand({ SecretId, VersionStage }))).SecretString;
    expect([await value('AWSCURRENT'), await value('AWSPREVIOUS')]).toEqual(['two', 'one']);
  });

  // secretsmanager/latest/apireference/API_GetSecretValue (Errors)
  it('does not know a secret that is not there', async () => {
    const attempt = secrets.send(new GetSecretValueCommand({ SecretId: unique('none') }));
    await expect(attempt).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  // secretsmanager/latest/userguide/auth-and-access_iam-policies
  it('lets a caller read the one secret that a policy names', async () => {
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

describe('corrected: Secrets Manager rotation', () => {
  const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

  /** A function that logs how it is called, and may be called by Secrets Manager or not. */
  async function rotationFunction({
    body = '',
    role,
    open = true,
  }: {
    /** What it does in each step, which it knows as `event`. */
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
  const rotate = (SecretId: string, RotationLambdaARN: string) =>
    secrets.send(new RotateSecretCommand({ SecretId, RotationLambdaARN }));
  const calls = async (functionArn: string): Promise<unknown[]> =>
    (await invocationLogs(functionArn)).map(([line = '{}']) => JSON.parse(line));

  // secretsmanager/latest/userguide/rotate-secrets_lambda-functions
  it('calls the function for each of the four steps, with the version that is to be made', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);
    const arn = await rotationFunction();
    const { VersionId } = await rotate(SecretId, arn);
    await eventually(async () =>
      expect(await calls(arn)).toEqual(
        steps.map((Step) => expect.objectContaining({ Step, SecretId, ClientRequestToken: VersionId })),
      ),
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
  it('goes no further when a step fails', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);
    const arn = await rotationFunction({ body: `if (event.Step === 'setSecret') throw new Error('no');` });
    await rotate(SecretId, arn);
    await eventually(async () =>
      expect(await calls(arn)).toEqual([
        expect.objectContaining({ Step: 'createSecret' }),
        expect.objectContaining({ Step: 'setSecret' }),
      ]),
    );
  });

  // secretsmanager/latest/apireference/API_RotateSecret (RotateImmediately)
  it('tests a schedule that does not rotate at once, by a pending version without a value', async () => {
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
  it('needs the right of whoever asks for it to call the function', async () => {
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
    await expect(without.send(command)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    const caller = client(SecretsManagerClient, await callerWho(mayRotate, mayCall));
    await expect(caller.send(command)).resolves.toMatchObject({ ARN: SecretId });
  });

  // secretsmanager/latest/userguide/rotate-secrets_lambda-functions (AWSPENDING and a later invocation of RotateSecret)
  it('is refused while a version is pending, and not when its label was taken away', async () => {
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
  it('needs the right to call the function', async () => {
    const SecretId = present((await secrets.send(create('one'))).ARN);
    await expect(rotate(SecretId, await rotationFunction({ open: false }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });
});

function create(SecretString: string) {
  return new CreateSecretCommand({ Name: unique('secret'), SecretString });
}
