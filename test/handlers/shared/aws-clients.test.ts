import { createServer, type IncomingMessage } from 'node:http';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { apiClient, invokeClient, stepClient } from '../../../handlers/shared/aws-clients.ts';
import { attemptsOf, classifyError } from '../../../handlers/shared/errors.ts';
import { thrownBy } from '../../support/thrown.ts';

/** A reaction to a request: a response, a connection that breaks after the headers, or no response. */
type Reaction = { status: number; body?: string; headers?: Record<string, string> } | 'cut' | 'silence';

const SECRET = 's3cret-of-the-test';
const TRACE = 'Root=1-67890abc-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1';
const describeExecution = new DescribeExecutionCommand({ executionArn: 'e' });

let requests: IncomingMessage[] = [];
let reactions: Reaction[] = [];
let connections = 0;
/** A stub of AWS with the reactions of the test, and the response `{}` to other requests. */
const aws = createServer(async (request, response) => {
  for await (const _chunk of request);
  requests.push(request);
  const reaction = reactions.shift() ?? { status: 200 };
  if (reaction === 'silence') return;
  if (reaction === 'cut') {
    response.writeHead(200, { 'content-length': 100 }).flushHeaders();
    setImmediate(() => response.destroy());
    return;
  }
  const { status, body = '{}', headers = {} } = reaction;
  response.writeHead(status, { 'x-amzn-requestid': 'a-request', ...headers }).end(body);
});
aws.on('connection', () => {
  connections += 1;
});

/** Replaces a client class of the SDK, and records its configuration. */
class SettingsOfAClient {
  readonly settings: unknown;

  constructor(settings: unknown) {
    this.settings = settings;
  }
}

const before = { ...process.env };
beforeAll(async () => {
  await new Promise<void>((listening) => aws.listen(0, '127.0.0.1', listening));
  const address = aws.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  process.env['AWS_ENDPOINT_URL'] = `http://127.0.0.1:${address.port}`;
  process.env['AWS_LAMBDA_FUNCTION_NAME'] = 'a-function';
  process.env['_X_AMZN_TRACE_ID'] = TRACE;
});
afterAll(async () => {
  process.env = before;
  aws.closeAllConnections();
  await new Promise((closed) => aws.close(closed));
});
beforeEach(() => {
  requests = [];
  reactions = [];
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('an AWS client', () => {
  it.each([
    ['of a step makes one attempt, because its workflow retries', stepClient, 1],
    ['of a function of an API makes two attempts', apiClient, 2],
  ])('%s', async (_why, make, attempts) => {
    const client = make(SFNClient);
    reactions = [{ status: 503 }, { status: 503 }, { status: 503 }];

    const error = await thrownBy(client.send(describeExecution));

    expect(requests).toHaveLength(attempts);
    expect(attemptsOf(error)).toBe(attempts);
    expect(classifyError(error).name).toBe('ServiceUnavailable');
  });

  it.each<[string, Reaction, number]>([
    ['repeats a throttled call', { status: 400, body: '{"__type":"ThrottlingException"}' }, 2],
    ['repeats a call after a failure of the server', { status: 503, body: 'not JSON' }, 2],
    ['retries a call whose response is incomplete', 'cut', 2],
    [
      'does not repeat a call that AWS refuses',
      { status: 400, body: '{"__type":"AccessDeniedException"}' },
      1,
    ],
  ])('with two attempts %s', async (_what, reaction, attempts) => {
    reactions = [reaction];

    await apiClient(SFNClient)
      .send(describeExecution)
      .catch(() => undefined);

    expect(requests).toHaveLength(attempts);
  });

  it.each([
    ['of a step', stepClient],
    ['of a function behind an API', apiClient],
  ])('%s has the timeouts of the ladder', (_what, make) => {
    const { settings } = make(SettingsOfAClient);

    expect(settings).toMatchObject({
      requestHandler: {
        connectionTimeout: timeLimits.awsConnect * 1000,
        requestTimeout: timeLimits.awsCall * 1000,
        throwOnRequestTimeout: true,
      },
    });
  });

  it('fails without a response of AWS within the timeout', async () => {
    const client = invokeClient(SFNClient, 0.05);
    reactions = ['silence'];

    const error = await thrownBy(client.send(describeExecution));

    expect(error).toMatchObject({ name: 'TimeoutError' });
    expect(classifyError(error).name).toBe('ServiceUnavailable');
  });

  it("aborts with its caller's signal", async () => {
    const abortSignal = AbortSignal.abort();

    const sent = apiClient(SFNClient).send(describeExecution, { abortSignal });

    await expect(sent).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('continues the trace of the invocation', async () => {
    await stepClient(SFNClient).send(describeExecution);

    expect(requests[0]?.headers['x-amzn-trace-id']).toBe(TRACE);
  });

  it('keeps its connection for the next call', async () => {
    const client = stepClient(SFNClient);
    const connectionsBefore = connections;

    for (let n = 0; n < 3; n += 1) await client.send(describeExecution);

    expect(connections - connectionsBefore).toBe(1);
  });

  it('logs nothing, and its classified error quotes nothing', async () => {
    const written = [
      ...(['log', 'info', 'warn', 'error', 'debug', 'trace'] as const).map((level) =>
        jest.spyOn(console, level).mockReturnValue(undefined),
      ),
      jest.spyOn(process.stdout, 'write').mockReturnValue(true),
      jest.spyOn(process.stderr, 'write').mockReturnValue(true),
    ];
    const client = apiClient(SecretsManagerClient);
    reactions = [
      { status: 200, body: `{"SecretString": "${SECRET}` },
      { status: 400, body: `{"__type":"InvalidRequestException","message":"${SECRET}"}` },
      { status: 502, body: SECRET },
      { status: 502, body: SECRET },
    ];

    const errors: unknown[] = [];
    for (let n = 0; n < 3; n += 1)
      errors.push(await thrownBy(client.send(new GetSecretValueCommand({ SecretId: 's' }))));

    expect(requests).toHaveLength(4);
    expect(errors.map(classifyError).map(({ name, message }) => `${name}: ${message}`)).toEqual([
      'SyntaxError: SyntaxError (HTTP 200)',
      'InvalidRequestException: InvalidRequestException (HTTP 400)',
      expect.stringMatching(/^ServiceUnavailable: \w+ \(HTTP 502\)$/),
    ]);
    for (const write of written) expect(write).not.toHaveBeenCalled();
  });
});
