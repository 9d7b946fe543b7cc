import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as appconfigdata from '@aws-sdk/client-appconfigdata';
import * as cognito from '@aws-sdk/client-cognito-identity-provider';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as events from '@aws-sdk/client-eventbridge';
import * as kms from '@aws-sdk/client-kms';
import * as lambda from '@aws-sdk/client-lambda';
import * as secrets from '@aws-sdk/client-secrets-manager';
import * as sfn from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import * as leanAppconfigdata from '../../../handlers/lean-sdk/client-appconfigdata.ts';
import * as leanCognito from '../../../handlers/lean-sdk/client-cognito-identity-provider.ts';
import * as leanDynamodb from '../../../handlers/lean-sdk/client-dynamodb.ts';
import * as leanEvents from '../../../handlers/lean-sdk/client-eventbridge.ts';
import * as leanKms from '../../../handlers/lean-sdk/client-kms.ts';
import * as leanLambda from '../../../handlers/lean-sdk/client-lambda.ts';
import * as leanSecrets from '../../../handlers/lean-sdk/client-secrets-manager.ts';
import * as leanSfn from '../../../handlers/lean-sdk/client-sfn.ts';

/**
 * The bundles have lean clients instead of the AWS SDK's. Each command is sent by both here, to a server that keeps
 * what it was asked: both must ask the same, and make the same of the answer.
 */

interface Asked {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}
interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  /** Break the connection after the head of the answer. */
  cut?: true;
}

let asked: Asked[] = [];
let replies: Reply[] = [];
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { method, url, headers } = request;
  asked.push({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') });
  const { status, headers: more = {}, body = '{}', cut } = replies.shift() ?? { status: 200 };
  response.writeHead(status, { 'x-amzn-requestid': 'a-request', 'content-length': body.length, ...more });
  if (!cut) {
    response.end(body);
    return;
  }
  response.flushHeaders();
  setImmediate(() => response.destroy());
});

let connections = 0;
server.on('connection', () => {
  connections += 1;
});

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_SESSION_TOKEN: 'a-session',
    AWS_LAMBDA_FUNCTION_NAME: 'a-function',
    _X_AMZN_TRACE_ID: 'Root=1-67890abc-0123456789abcdef01234567;Sampled=1',
    AWS_SDK_UA_APP_ID: 'a-function',
  });
});
afterAll(() => new Promise((closed) => server.close(closed)));
beforeEach(() => {
  asked = [];
  replies = [];
});

const settings = (maxAttempts = 1) => ({
  maxAttempts,
  requestHandler: new NodeHttpHandler({
    connectionTimeout: 500,
    requestTimeout: 500,
    throwOnRequestTimeout: true,
  }),
});

interface Client {
  send(command: unknown, options?: { abortSignal: AbortSignal }): Promise<unknown>;
}
type Class = new (input: never) => unknown;

/** Of each package its client, as the SDK and as the lean one. */
const packages = {
  appconfigdata: [
    appconfigdata,
    appconfigdata.AppConfigDataClient,
    leanAppconfigdata,
    leanAppconfigdata.AppConfigDataClient,
  ],
  cognito: [
    cognito,
    cognito.CognitoIdentityProviderClient,
    leanCognito,
    leanCognito.CognitoIdentityProviderClient,
  ],
  dynamodb: [dynamodb, dynamodb.DynamoDBClient, leanDynamodb, leanDynamodb.DynamoDBClient],
  events: [events, events.EventBridgeClient, leanEvents, leanEvents.EventBridgeClient],
  kms: [kms, kms.KMSClient, leanKms, leanKms.KMSClient],
  lambda: [lambda, lambda.LambdaClient, leanLambda, leanLambda.LambdaClient],
  secrets: [secrets, secrets.SecretsManagerClient, leanSecrets, leanSecrets.SecretsManagerClient],
  sfn: [sfn, sfn.SFNClient, leanSfn, leanSfn.SFNClient],
} as const;
type Package = keyof typeof packages;

/** Both clients, and the class of the command of each. */
function both(name: Package, command: string, maxAttempts?: number): [Client, Class][] {
  const [sdk, SdkClient, lean, LeanClient] = packages[name];
  const classOf = (module: object) => Reflect.get(module, command) as Class;
  return [
    [new SdkClient(settings(maxAttempts)) as Client, classOf(sdk)],
    [new LeanClient(settings(maxAttempts)) as Client, classOf(lean)],
  ];
}

/** What a request is, but for what is another one each time. */
function essence({ method, url, headers, body }: Asked): object {
  const [scope, signedHeaders] = (headers.authorization ?? '')
    .split(/Credential=|, SignedHeaders=|, Signature=/)
    .slice(1);
  const isJson = headers['content-type']?.includes('json') === true;
  const content = isJson ? JSON.parse(body) : body;
  if (typeof content === 'object' && 'ClientRequestToken' in content)
    content.ClientRequestToken = typeof content.ClientRequestToken;
  const { host, 'content-type': type, 'x-amz-target': target, 'x-amz-security-token': session } = headers;
  const { 'x-amz-invocation-type': invocation, 'x-amzn-trace-id': trace } = headers;
  return {
    ...{ method, url, host, type, target, session, invocation, trace, scope, content },
    app: headers['user-agent']?.includes('app/a-function'),
    signed: ['host', 'x-amz-date', 'x-amz-security-token'].every((name) => signedHeaders?.includes(name)),
  };
}

const bytes = Buffer.from('any bytes');
const base64 = bytes.toString('base64');
const EPOCH = 1_700_000_000.123;

/** Every command, with an input, and what AWS may answer. */
const commands: [Package, string, object, object?][] = [
  [
    'kms',
    'EncryptCommand',
    { KeyId: 'k', Plaintext: bytes, EncryptionContext: { a: 'ä' } },
    { CiphertextBlob: base64, KeyId: 'k' },
  ],
  ['kms', 'DecryptCommand', { KeyId: 'k', CiphertextBlob: bytes }, { Plaintext: base64, KeyId: 'k' }],
  [
    'kms',
    'GenerateMacCommand',
    { KeyId: 'k', MacAlgorithm: 'HMAC_SHA_256', Message: bytes },
    { Mac: base64 },
  ],
  [
    'kms',
    'ReEncryptCommand',
    { CiphertextBlob: bytes, DestinationKeyId: 'k', SourceEncryptionContext: { a: 'b' } },
    { CiphertextBlob: base64, SourceKeyId: 's' },
  ],
  [
    'sfn',
    'StartExecutionCommand',
    { stateMachineArn: 'arn', name: 'n', input: '{"a":"ü"}' },
    { executionArn: 'e', startDate: EPOCH },
  ],
  [
    'sfn',
    'DescribeExecutionCommand',
    { executionArn: 'e' },
    {
      executionArn: 'e',
      status: 'FAILED',
      startDate: EPOCH,
      stopDate: EPOCH,
      input: '{"stopDate":1}',
      cause: 'c',
      redriveCount: 0,
    },
  ],
  ['sfn', 'StopExecutionCommand', { executionArn: 'e', error: 'E', cause: 'c' }, { stopDate: EPOCH }],
  ['sfn', 'SendTaskSuccessCommand', { taskToken: 't', output: '{}' }],
  ['sfn', 'SendTaskFailureCommand', { taskToken: 't', error: 'E', cause: 'c' }],
  [
    'sfn',
    'ListExecutionsCommand',
    { stateMachineArn: 'arn', statusFilter: 'FAILED', maxResults: 5 },
    { executions: [{ executionArn: 'e', name: 'n', startDate: EPOCH, stopDate: EPOCH }], nextToken: 't' },
  ],
  [
    'sfn',
    'GetExecutionHistoryCommand',
    { executionArn: 'e', includeExecutionData: false },
    {
      events: [
        {
          timestamp: EPOCH,
          type: 'TaskStateEntered',
          id: 1,
          previousEventId: 0,
          stateEnteredEventDetails: { name: 's' },
        },
      ],
    },
  ],
  [
    'cognito',
    'AdminCreateUserCommand',
    {
      UserPoolId: 'p',
      Username: 'u',
      MessageAction: 'SUPPRESS',
      UserAttributes: [{ Name: 'custom:a', Value: 'v' }],
    },
    {
      User: {
        Username: 'u',
        Attributes: [{ Name: 'sub', Value: 's' }],
        UserCreateDate: EPOCH,
        UserLastModifiedDate: EPOCH,
        Enabled: true,
        UserStatus: 'FORCE_CHANGE_PASSWORD',
      },
    },
  ],
  [
    'cognito',
    'AdminGetUserCommand',
    { UserPoolId: 'p', Username: 'u' },
    { Username: 'u', UserAttributes: [], UserCreateDate: EPOCH, Enabled: true },
  ],
  [
    'cognito',
    'AdminSetUserPasswordCommand',
    { UserPoolId: 'p', Username: 'u', Password: 'ß', Permanent: true },
  ],
  ['cognito', 'AdminAddUserToGroupCommand', { UserPoolId: 'p', Username: 'u', GroupName: 'g' }],
  ['cognito', 'AdminDeleteUserCommand', { UserPoolId: 'p', Username: 'u' }],
  [
    'cognito',
    'InitiateAuthCommand',
    { AuthFlow: 'USER_PASSWORD_AUTH', ClientId: 'c', AuthParameters: { USERNAME: 'u' } },
    { AuthenticationResult: { AccessToken: 't', ExpiresIn: 900 }, ChallengeParameters: {} },
  ],
  [
    'cognito',
    'DescribeUserPoolClientCommand',
    { UserPoolId: 'p', ClientId: 'c' },
    { UserPoolClient: { ClientId: 'c', ClientSecret: 's', CreationDate: EPOCH, LastModifiedDate: EPOCH } },
  ],
  [
    'events',
    'PutEventsCommand',
    {
      Entries: [
        {
          Source: 's',
          DetailType: 'd',
          Detail: '{}',
          EventBusName: undefined,
          Time: new Date(1_700_000_000_000),
        },
      ],
    },
    { FailedEntryCount: 0, Entries: [{ EventId: 'e' }] },
  ],
  [
    'events',
    'DescribeEventBusCommand',
    { Name: 'b' },
    { Name: 'b', Arn: 'arn', CreationTime: EPOCH, LastModifiedTime: EPOCH },
  ],
  ['events', 'DescribeRuleCommand', { Name: 'r', EventBusName: 'b' }, { Name: 'r', State: 'ENABLED' }],
  [
    'secrets',
    'GetSecretValueCommand',
    { SecretId: 's', VersionStage: 'AWSPENDING' },
    { ARN: 'arn', SecretString: '{}', VersionStages: ['AWSCURRENT'], CreatedDate: EPOCH },
  ],
  ['secrets', 'PutSecretValueCommand', { SecretId: 's', SecretString: '{}' }, { VersionId: 'v' }],
  [
    'secrets',
    'PutSecretValueCommand',
    { SecretId: 's', SecretString: '{}', ClientRequestToken: 'given', VersionStages: ['AWSPENDING'] },
    { VersionId: 'v' },
  ],
  [
    'secrets',
    'UpdateSecretVersionStageCommand',
    { SecretId: 's', VersionStage: 'AWSCURRENT', MoveToVersionId: 'v' },
    { Name: 's' },
  ],
  [
    'dynamodb',
    'BatchGetItemCommand',
    { RequestItems: { t: { Keys: [{ k: { S: 'a' } }, { k: { S: 'b' } }], ProjectionExpression: 'k, n' } } },
    { Responses: { t: [{ k: { S: 'a' }, n: { N: '1' } }] }, UnprocessedKeys: {} },
  ],
  [
    'dynamodb',
    'GetItemCommand',
    { TableName: 't', Key: { k: { S: 'a' } }, ConsistentRead: true },
    { Item: { k: { S: 'a' }, n: { N: '1' } } },
  ],
  [
    'dynamodb',
    'PutItemCommand',
    { TableName: 't', Item: { k: { S: 'a' } }, ConditionExpression: 'attribute_not_exists(k)' },
  ],
  [
    'appconfigdata',
    'StartConfigurationSessionCommand',
    {
      ApplicationIdentifier: 'a',
      EnvironmentIdentifier: 'e',
      ConfigurationProfileIdentifier: 'p',
      RequiredMinimumPollIntervalInSeconds: 15,
    },
    { InitialConfigurationToken: 't' },
  ],
  [
    'dynamodb',
    'UpdateItemCommand',
    {
      TableName: 't',
      Key: { k: { S: 'a' } },
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    },
    { Attributes: { n: { N: '1' } } },
  ],
];

describe('a lean client', () => {
  it.each(commands)('%s asks as the SDK does: %s', async (name, command, input, output = {}) => {
    const outputs: unknown[] = [];
    for (const [client, Command] of both(name, command)) {
      replies = [{ status: 200, body: JSON.stringify(output) }];
      outputs.push(await client.send(new Command(input as never)));
    }
    expect(asked).toHaveLength(2);
    const [sdk, lean] = asked.map(essence);
    expect(lean).toEqual(sdk);
    expect(withoutMetadata(outputs[1])).toEqual(withoutMetadata(outputs[0]));
    expect(outputs[1]).toMatchObject({ $metadata: { httpStatusCode: 200, requestId: 'a-request' } });
  });

  it('invokes a function as the SDK does, and tells what it answered', async () => {
    const seen: object[] = [];
    for (const [client, Command] of both('lambda', 'InvokeCommand')) {
      replies = [
        {
          status: 200,
          body: '{"a":1}',
          headers: { 'x-amz-function-error': 'Unhandled', 'x-amz-executed-version': '$LATEST' },
        },
      ];
      const answer = await client.send(
        new Command({
          FunctionName: 'a:b',
          InvocationType: 'RequestResponse',
          Payload: '{"x":"é"}',
        } as never),
      );
      const { Payload, ...rest } = answer as { Payload: { transformToString(): string } };
      seen.push({ ...withoutMetadata(rest), payload: Payload.transformToString() });
    }
    const [sdk, lean] = asked.map(essence);
    expect(lean).toEqual(sdk);
    expect(seen[1]).toEqual(seen[0]);
  });

  it('reads a configuration as the SDK does', async () => {
    const seen: object[] = [];
    for (const [client, Command] of both('appconfigdata', 'GetLatestConfigurationCommand')) {
      replies = [
        {
          status: 200,
          body: '{"flag":1}',
          headers: {
            'content-type': 'application/json',
            'next-poll-configuration-token': 'next',
            'next-poll-interval-in-seconds': '15',
          },
        },
      ];
      const answer = await client.send(new Command({ ConfigurationToken: 'a+b/c=' } as never));
      const { Configuration, NextPollConfigurationToken, NextPollIntervalInSeconds } = answer as {
        Configuration: { transformToString(): string };
      } & Record<string, unknown>;
      const text = Configuration.transformToString();
      seen.push({ text, NextPollConfigurationToken, NextPollIntervalInSeconds });
    }
    const [sdk, lean] = asked.map(essence);
    expect(lean).toEqual(sdk);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]).toEqual({
      text: '{"flag":1}',
      NextPollConfigurationToken: 'next',
      NextPollIntervalInSeconds: 15,
    });
  });

  it('tells what a conditional write has found, as the SDK does', async () => {
    const found: unknown[] = [];
    for (const [client, Command] of both('dynamodb', 'PutItemCommand')) {
      const body = { __type: 'x#ConditionalCheckFailedException', message: 'm', Item: { k: { S: 'a' } } };
      replies = [{ status: 400, body: JSON.stringify(body) }];
      const refused = client.send(new Command({ TableName: 't', Item: {} } as never));
      found.push(await refused.catch(({ name, Item }: { name: string; Item: unknown }) => ({ name, Item })));
    }
    expect(found[1]).toEqual(found[0]);
    expect(found[0]).toEqual({ name: 'ConditionalCheckFailedException', Item: { k: { S: 'a' } } });
  });

  it('gives up when it is told to', async () => {
    for (const [client, Command] of both('sfn', 'DescribeExecutionCommand')) {
      const stopped = client.send(new Command({ executionArn: 'e' } as never), {
        abortSignal: AbortSignal.abort(),
      });
      await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    }
  });

  it.each<[string, Reply]>([
    [
      'named by __type with a namespace',
      { status: 400, body: '{"__type":"com.amazonaws.x#UserNotFoundException","message":"m"}' },
    ],
    ['named by __type alone', { status: 400, body: '{"__type":"ThrottlingException","Message":"m"}' }],
    [
      'named by a header',
      {
        status: 400,
        headers: { 'x-amzn-errortype': 'NotAuthorizedException:http://x/' },
        body: '{"message":"m"}',
      },
    ],
    [
      'that the service does not know',
      { status: 400, body: '{"__type":"SomethingNewException","message":"m"}' },
    ],
    ['of the server', { status: 500, body: '{"__type":"InternalErrorException","message":"m"}' }],
  ])('fails as the SDK does: an error %s', async (_what, reply) => {
    const errors: unknown[] = [];
    for (const [client, Command] of both('cognito', 'AdminGetUserCommand')) {
      replies = [reply];
      errors.push(await client.send(new Command({ UserPoolId: 'p', Username: 'u' } as never)).catch(told));
    }
    expect(errors[0]).toMatchObject({ name: expect.stringMatching(/Exception$/) });
    expect(errors[1]).toEqual(errors[0]);
  });

  it('does not quote an answer that it cannot read', async () => {
    const [, [client, Command] = []] = both('secrets', 'GetSecretValueCommand');
    if (client === undefined || Command === undefined) throw new Error('There is no lean client.');
    replies = [{ status: 200, body: '{"SecretString": "s3cret' }];
    const error = await client
      .send(new Command({ SecretId: 's' } as never))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'SyntaxError' });
    expect(String(error)).not.toContain('s3cret');
  });

  it.each<[string, Reply, number]>([
    ['a throttled call', { status: 400, body: '{"__type":"ThrottlingException"}' }, 2],
    ['a failure of the server', { status: 503, body: 'no JSON at all' }, 2],
    ['an answer that is cut off', { status: 200, body: '{"a": 1}', cut: true }, 2],
    ['a refusal', { status: 400, body: '{"__type":"AccessDeniedException"}' }, 1],
  ])('with two attempts repeats as the SDK does: %s', async (_what, reply, times) => {
    const counts: number[] = [];
    for (const [client, Command] of both('sfn', 'DescribeExecutionCommand', 2)) {
      asked = [];
      replies = [reply, { status: 200 }];
      await client.send(new Command({ executionArn: 'e' } as never)).catch(told);
      counts.push(asked.length);
    }
    expect(counts).toEqual([times, times]);
  });

  it('keeps its connection for the next call', async () => {
    const before = connections;
    const [, [client, Command] = []] = both('sfn', 'DescribeExecutionCommand');
    for (let n = 0; n < 3; n += 1) await client?.send(Command && new Command({ executionArn: 'e' } as never));
    expect(connections - before).toBe(1);
  });

  it('with one attempt repeats nothing', async () => {
    for (const [client, Command] of both('sfn', 'DescribeExecutionCommand', 1)) {
      asked = [];
      replies = [{ status: 503 }, { status: 200 }];
      await client.send(new Command({ executionArn: 'e' } as never)).catch(told);
      expect(asked).toHaveLength(1);
    }
  });
});

function withoutMetadata(output: unknown): object {
  const { $metadata: _, ...rest } = output as { $metadata: unknown };
  return rest;
}

/** What is looked at of an error. */
function told(error: unknown): object {
  const { name, message, $fault, $metadata } = error as Error & Record<'$fault' | '$metadata', unknown>;
  const { httpStatusCode } = ($metadata ?? {}) as { httpStatusCode?: number };
  return { name, message, $fault, httpStatusCode };
}
