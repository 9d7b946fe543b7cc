import { randomUUID } from 'node:crypto';
import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, CreateLogStreamCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AdminDeleteUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DecryptCommand, EncryptCommand, KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Target } from '../../cli/outputs.ts';
import { signedFetch } from '../../cli/signed-fetch.ts';
import { adminAccess, app2Access } from '../../contracts/app2-access.ts';
import { encryptionContext } from '../../contracts/encryption-context.ts';
import { sourceOf } from '../../contracts/events/catalogue.ts';
import { systemOf } from '../../local/system.ts';
import {
  configuration,
  machineToken,
  newPassword,
  newRequest,
  outputs,
  readMachineCredentials,
  signInMachineUser,
  start,
  waitForCompletion,
} from '../e2e/support/deployed.ts';
import { credentialsOf } from './support/permissions.ts';
import { otherTarget, type TargetName, targetNames, targets } from './support/targets.ts';

/** App1 and two targets of one account: none of them can use what another one owns, beyond what App1 needs. */

const services = ['app1', ...targetNames] as const;
type ServiceName = (typeof services)[number];
interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Absent for an administrator. */
  sessionToken?: string;
}

const stackOf = (service: ServiceName): string =>
  service === 'app1' ? outputs.app1.stack_name : targets[service].stack_name;
const busOf = (service: ServiceName): string =>
  service === 'app1' ? outputs.app1.event_bus_name : targets[service].event_bus_name;

/** The roles of a service's stack with their names: that of the function, or the logical id in the construct. */
async function rolesOf(service: ServiceName): Promise<Map<string, string>> {
  const functions = new Map<string, string>();
  for await (const { Functions = [] } of paginateListFunctions(
    { client: new LambdaClient(configuration) },
    {},
  ))
    for (const { FunctionName = '', Role = '' } of Functions) functions.set(Role, FunctionName);
  const roles = new Map<string, string>();
  const client = new CloudFormationClient(configuration);
  for await (const page of paginateListStackResources({ client }, { StackName: stackOf(service) }))
    for (const { ResourceType, PhysicalResourceId, LogicalResourceId = '' } of page.StackResourceSummaries ??
      [])
      if (ResourceType === 'AWS::IAM::Role') {
        const arn = `arn:aws:iam::${outputs.account}:role/${PhysicalResourceId}`;
        roles.set(
          functions.get(arn) ?? LogicalResourceId.replace(/^Users/, '').replace(/[0-9A-F]{8}$/, ''),
          arn,
        );
      }
  return roles;
}

const UNKNOWN = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
const subject = { provisioning_id: UNKNOWN, username: 'someone' };
const INTAKE_KEY = 'alias/app1-intake-key';

/** Encrypts a text under a key for a service, with the credentials of an administrator. */
async function encrypt(KeyId: string, service: string): Promise<Uint8Array | undefined> {
  const { CiphertextBlob } = await new KMSClient(configuration).send(
    new EncryptCommand({
      KeyId,
      Plaintext: Buffer.from('a password of another service'),
      EncryptionContext: encryptionContext(subject, service),
    }),
  );
  return CiphertextBlob;
}

/** A use of a resource, without an effect if it is allowed. */
type Attempt = (credentials: Credentials) => Promise<unknown>;

const on = <Client>(make: new (settings: typeof configuration) => Client, credentials: Credentials) =>
  new make({ ...configuration, credentials });

/** Re-encrypts a password of App1 to a key, with the context of a target. */
const reEncrypt =
  (DestinationKeyId: string, target: string): Attempt =>
  async (credentials) =>
    on(KMSClient, credentials).send(
      new ReEncryptCommand({
        SourceKeyId: INTAKE_KEY,
        CiphertextBlob: await encrypt(INTAKE_KEY, 'app1'),
        SourceEncryptionContext: encryptionContext(subject, 'app1'),
        DestinationKeyId,
        DestinationEncryptionContext: encryptionContext(subject, target),
      }),
    );

/** Uses of what every service has: key, state machine, bus, tables, functions, queue, logs. */
function commonAttempts(service: ServiceName): Record<string, Attempt> {
  const key = service === 'app1' ? INTAKE_KEY : targets[service].key_arn;
  const { state_machine_arn: stateMachineArn } = service === 'app1' ? outputs.app1 : targets[service];
  const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${UNKNOWN}`;
  const buses = service === 'app1' ? [busOf(service), 'app1-notifications'] : [busOf(service)];
  const functionName = service === 'app1' ? 'app1-call-target' : `${service}-create-user`;
  const tables = ['sweep', 'rate-limits', ...(service === 'app1' ? ['callbacks'] : [])];
  const context = encryptionContext(subject, service);
  return {
    'kms:Decrypt': async (credentials) =>
      on(KMSClient, credentials).send(
        new DecryptCommand({
          KeyId: key,
          CiphertextBlob: await encrypt(key, service),
          EncryptionContext: context,
        }),
      ),
    'kms:Encrypt': (credentials) =>
      on(KMSClient, credentials).send(
        new EncryptCommand({ KeyId: key, Plaintext: Buffer.from('x'), EncryptionContext: context }),
      ),
    'states:DescribeExecution': (credentials) =>
      on(SFNClient, credentials).send(new DescribeExecutionCommand({ executionArn })),
    'states:ListExecutions': (credentials) =>
      on(SFNClient, credentials).send(new ListExecutionsCommand({ stateMachineArn })),
    'states:StopExecution': (credentials) =>
      on(SFNClient, credentials).send(new StopExecutionCommand({ executionArn })),
    ...Object.fromEntries(
      buses.map((EventBusName): [string, Attempt] => [
        `events:PutEvents on ${EventBusName}`,
        (credentials) =>
          on(EventBridgeClient, credentials).send(
            new PutEventsCommand({
              Entries: [
                { EventBusName, Source: sourceOf(service), DetailType: 'ServiceUserCreated', Detail: '{}' },
              ],
            }),
          ),
      ]),
    ),
    ...Object.fromEntries(
      tables.map((table): [string, Attempt] => [
        `dynamodb:GetItem on ${table}`,
        (credentials) =>
          on(DynamoDBClient, credentials).send(
            new GetItemCommand({ TableName: `${service}-${table}`, Key: { id: { S: 'x' } } }),
          ),
      ]),
    ),
    'lambda:InvokeFunction': (credentials) =>
      on(LambdaClient, credentials).send(
        new InvokeCommand({ FunctionName: functionName, InvocationType: 'DryRun' }),
      ),
    'sqs:SendMessage': async (credentials) => {
      const { QueueUrl } = await new SQSClient(configuration).send(
        new GetQueueUrlCommand({ QueueName: `${service}-dead-letter-queue` }),
      );
      // An empty body is rejected.
      return on(SQSClient, credentials).send(new SendMessageCommand({ QueueUrl, MessageBody: '' }));
    },
    'logs:CreateLogStream': (credentials) =>
      on(CloudWatchLogsClient, credentials).send(
        new CreateLogStreamCommand({
          logGroupName: `/aws/lambda/${functionName}`,
          logStreamName: randomUUID(),
        }),
      ),
  };
}

/** Uses of what only a target has: secret, user pool, and encryption to its key. */
function targetAttempts({ key_arn, credentials_secret_arn, user_pool_id }: Target, name: string) {
  const user = { UserPoolId: user_pool_id, Username: 'unknown' };
  return {
    'secretsmanager:GetSecretValue': (credentials: Credentials) =>
      on(SecretsManagerClient, credentials).send(
        new GetSecretValueCommand({ SecretId: credentials_secret_arn }),
      ),
    'kms:ReEncryptTo': reEncrypt(key_arn, name),
    'cognito-idp:AdminGetUser': (credentials: Credentials) =>
      on(CognitoIdentityProviderClient, credentials).send(new AdminGetUserCommand(user)),
    'cognito-idp:AdminDeleteUser': (credentials: Credentials) =>
      on(CognitoIdentityProviderClient, credentials).send(new AdminDeleteUserCommand(user)),
  };
}

const attemptsAt = (service: ServiceName): Record<string, Attempt> => ({
  ...commonAttempts(service),
  ...(service === 'app1'
    ? {
        'execute-api:Invoke': async (credentials: Credentials) => {
          const send = signedFetch(credentials, outputs.region);
          const { status } = await send(`${outputs.app1.api_url}/create-service-user/${UNKNOWN}`, {});
          if (status === 403) throw Object.assign(new Error('403'), { name: 'AccessDeniedException' });
        },
      }
    : targetAttempts(targets[service], service)),
});

const DENIED = /^AccessDenied(Exception)?$/;

/** Whether AWS denies a use. An error after the authorization is no denial. */
const isDenied = (use: Promise<unknown>): Promise<boolean> =>
  use.then(
    () => false,
    (error: unknown) => error instanceof Error && DENIED.test(error.name),
  );

/** What the roles of every service may use of another one, with the reason. */
const OF_EVERY_SERVICE: Readonly<Record<string, string>> = {
  'ServiceApiCloudWatchRole: logs:CreateLogStream':
    "The account's role of API Gateway has the managed policy that AWS requires, for every log of the account.",
};

/** What App1 may use at each target, with the reason. */
const OF_APP1: Readonly<Record<string, string>> = {
  'app1-call-target: secretsmanager:GetSecretValue':
    'App1 signs in with the credentials that the target has issued.',
  'app1-encrypt-credentials: kms:ReEncryptTo': 'App1 encrypts passwords for the target.',
};

const pairs = services.flatMap((user) =>
  services.filter((owner) => owner !== user).map((owner) => [user, owner] as const),
);

describe('the roles of a service', () => {
  const credentials = new Map<string, Map<string, Credentials>>();
  beforeAll(async () => {
    for (const service of services) {
      const own = new Map<string, Credentials>();
      for (const [name, arn] of await rolesOf(service)) own.set(name, await credentialsOf(arn));
      credentials.set(service, own);
    }
  });

  it.each(services)('are compared with an administrator, who is denied no use of %s', async (owner) => {
    const denied = [];
    for (const [what, attempt] of Object.entries(attemptsAt(owner)))
      if (await isDenied(attempt(configuration.credentials))) denied.push(what);

    expect(denied).toEqual([]);
  });

  it.each(services)('of %s may use what the service owns', async (service) => {
    const allowed = new Set<string>();
    for (const own of credentials.get(service)?.values() ?? [])
      for (const [what, attempt] of Object.entries(attemptsAt(service)))
        if (!allowed.has(what) && !(await isDenied(attempt(own)))) allowed.add(what);

    expect([...allowed]).toEqual(
      expect.arrayContaining(['states:DescribeExecution', 'states:ListExecutions', 'sqs:SendMessage']),
    );
  });

  it.each(pairs)('of %s may use nothing of %s but what App1 needs', async (user, owner) => {
    const roles = credentials.get(user) ?? new Map<string, Credentials>();
    const allowed: string[] = [];
    for (const [name, own] of roles)
      for (const [what, attempt] of Object.entries(attemptsAt(owner)))
        if (!(await isDenied(attempt(own)))) allowed.push(`${name}: ${what}`);

    expect(roles.size).toBeGreaterThan(10);
    expect(allowed.sort()).toEqual(
      Object.keys({ ...OF_EVERY_SERVICE, ...(user === 'app1' ? OF_APP1 : {}) }).sort(),
    );
  });
});

describe('a password that is encrypted for one target', () => {
  const names = targetNames.map((name) => [name, otherTarget(name)] as const);
  const roleOf = async (service: ServiceName, name: string): Promise<Credentials> =>
    credentialsOf((await rolesOf(service)).get(name) ?? '');

  it.each(names)(
    'is re-encrypted by App1 for %s only under its own key: not under that of %s',
    async (name, other) => {
      const own = await roleOf('app1', 'app1-encrypt-credentials');

      expect(await isDenied(reEncrypt(targets[name].key_arn, name)(own))).toBe(false);
      expect(await isDenied(reEncrypt(targets[other].key_arn, name)(own))).toBe(true);
      expect(await isDenied(reEncrypt(targets[name].key_arn, other)(own))).toBe(true);
    },
  );

  it.each(names)('is decrypted by %s, and not by %s', async (name, other) => {
    const { key_arn: KeyId } = targets[name];
    const decrypt = async (credentials: Credentials) =>
      on(KMSClient, credentials).send(
        new DecryptCommand({
          KeyId,
          CiphertextBlob: await encrypt(KeyId, name),
          EncryptionContext: encryptionContext(subject, name),
        }),
      );
    const roles = await rolesOf(other);

    for (const step of ['decrypt-credentials', 'set-password']) {
      expect(await isDenied(decrypt(await roleOf(name, `${name}-${step}`)))).toBe(false);
      expect(roles.has(`${other}-${step}`)).toBe(true);
      expect(await isDenied(decrypt(await roleOf(other, `${other}-${step}`)))).toBe(true);
    }
  });

  const keys: Record<string, (name: TargetName) => string> = {
    'the key of its own target': (name) => targets[name].key_arn,
    'the key of the other target': (name) => targets[otherTarget(name)].key_arn,
  };
  it.each(Object.keys(keys).flatMap((key) => names.map(([name, other]) => [key, name, other] as const)))(
    'under %s is rejected when %s is its target and %s receives it',
    async (key, name, other) => {
      const { username } = newRequest();
      const id = randomUUID();
      const KeyId = keys[key]?.(name) ?? '';
      const { CiphertextBlob } = await new KMSClient(configuration).send(
        new EncryptCommand({
          KeyId,
          Plaintext: Buffer.from(newPassword()),
          EncryptionContext: encryptionContext({ provisioning_id: id, username }, name),
        }),
      );
      const body = {
        username,
        encrypted_password: Buffer.from(CiphertextBlob ?? []).toString('base64'),
        human_user_id: 'h-1',
      };
      const receiver = systemOf(outputs, targets[other]);

      const response = await receiver.app2(
        'POST',
        '/admin/create-user',
        await machineToken(targets[other]),
        body,
        { 'Idempotency-Key': id, Prefer: 'wait=15' },
      );

      expect(response.body).toMatchObject({
        status: 'FAILED',
        user: 'absent',
        error: { code: 'CREDENTIALS_REJECTED', step: 'DecryptCredentials' },
      });
      expect(await receiver.user(username)).toBeUndefined();
    },
  );
});

describe('the credentials that one target has issued', () => {
  const names = targetNames.map((name) => [name, otherTarget(name)] as const);

  it.each(names)('sign App1 in at %s, and not at the pool of %s', async (name, other) => {
    const issued = await readMachineCredentials(targets[name]);

    await expect(signInMachineUser(issued, 'machine', targets[name])).resolves.toMatch(/\./);
    for (const client of ['machine', 'public'] as const)
      await expect(signInMachineUser(issued, client, targets[other])).rejects.toThrow();
  });

  /** The routes of a target: those of every target, and App2's own endpoint. */
  const routesOf = (name: TargetName) => Object.values(name === 'app2' ? app2Access : adminAccess);
  const call = async (at: TargetName, token: string) => {
    const statuses = [];
    for (const { method, path } of routesOf(at)) {
      const body = method === 'POST' ? {} : undefined;
      const url = `/${path.replace(/\{\w+\}/, UNKNOWN)}`;
      const { status } = await systemOf(outputs, targets[at]).app2(method, url, token, body);
      statuses.push([`${method} /${path}`, status]);
    }
    return statuses;
  };
  const refusedBy = (at: TargetName) => routesOf(at).map(({ method, path }) => [`${method} /${path}`, 401]);

  it.each(names)('give a token of %s that no route of %s accepts', async (name, other) => {
    const token = await machineToken(targets[name]);

    const statuses = await call(other, token);

    expect(statuses).toEqual(refusedBy(other));

    // The token is valid: the admin routes of its own target read the request.
    const own = new Map((await call(name, token)).map(([route, status]) => [route, status] as const));

    for (const { method, path } of Object.values(adminAccess))
      expect([400, 404]).toContain(own.get(`${method} /${path}`));
  });

  it.each(names)("give App1's users of %s a token that no route of %s accepts", async (name, other) => {
    const request = { ...newRequest(), targets: [name] };
    const id = await start(request);

    expect(await waitForCompletion(id)).toMatchObject({ status: 'SUCCEEDED' });

    const token = await systemOf(outputs, targets[name]).signIn(request.username, request.password);

    const statuses = await call(other, token);

    expect(statuses).toEqual(refusedBy(other));
    expect(await systemOf(outputs, targets[other]).user(request.username)).toBeUndefined();
  });
});
