import { CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { passwordWithoutSymbol } from '../../local/harness/lax-policy.ts';
import { type PermissionHolder, withoutPermission } from '../../local/harness/without-permission.ts';
import type { ApiResponse } from '../../local/system.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { type Sighting, secretFinder, tokensIn } from '../support/secret-finder.ts';
import { deferRejection } from './support/concurrency.ts';
import {
  configuration,
  encryptFor,
  machineToken,
  newName,
  newPassword,
  newRequest,
  outputs,
  provision,
  readMachineCredentials,
  start,
  statesOf,
  system,
  waitForCompletion,
} from './support/deployed.ts';
import { configured, type Written, writtenSince } from './support/written.ts';

/** Secrets that must not be readable, by their description. */
const secrets: Record<string, string> = {};

/** Sends requests with a password of its own; returns the responses. */
type Scenario = (password: string) => Promise<ApiResponse[]>;

const json = (fields: object): string => JSON.stringify(fields);

const rejected = (body: (password: string) => string, headers: Record<string, string> = {}): Scenario => {
  return async (password) => [await system.provision(body(password), headers)];
};

/** Ids of provisionings that are being compensated. */
const failed: string[] = [];
/** Responses that arrive later. */
const pending: Promise<Written>[] = [];
const COMPENSATION = [
  'DeleteUser',
  'PublishUserCreationRejected',
  'CancelUserCreation',
  'PublishProvisioningFailed',
];

/** Runs a provisioning in which a step lacks a permission, until its compensation has started. */
const failing = (bearer: PermissionHolder, action: string): Scenario => {
  return async (password) =>
    withoutPermission(outputs, bearer, action, async () => {
      const id = await start(newRequest({ password }));
      await eventually(async () => {
        const states = [
          ...(await statesOf('CreateServiceUser', id)),
          ...(await statesOf('ProvisionServiceUser', id)),
        ];
        expect(states.filter((state) => COMPENSATION.includes(state))).not.toEqual([]);
      }, 120_000);
      failed.push(id);
      return [];
    });
};

const scenarios: Record<string, Scenario> = {
  'a success, repeated, and deprovisioned': async (password) => {
    const request = newRequest({ password });
    const headers = { 'Idempotency-Key': newName('key') };
    const id = await start(request, headers);
    await waitForCompletion(id);
    const responses = [await system.provision(request, headers), await system.status(id)];
    const conflict = await system.provision({ ...request, username: newName('other') }, headers);
    const removal = system.deprovision(id, { Prefer: 'wait=15' }).then((response) => ({
      location: 'the response to a waiting removal',
      text: textOf(response),
    }));
    pending.push(deferRejection(removal));
    return [...responses, conflict];
  },
  'a password that App1 rejects': rejected((password) =>
    json(newRequest({ password: password.toLowerCase() })),
  ),
  'a password that only the policy of App2 rejects': async () => {
    const password = passwordWithoutSymbol();
    secrets['a password that only the policy of App2 rejects'] = password;
    const { provisioning_id, error } = await provision(newRequest({ password }));
    expect(error?.code).toBe('PASSWORD_REJECTED');
    return [await system.status(provisioning_id)];
  },
  'a failure of EncryptCredentials': failing(
    { functionName: 'app1-encrypt-credentials' },
    'kms:ReEncryptFrom',
  ),
  'a failure of DecryptCredentials': failing({ functionName: 'app2-decrypt-credentials' }, 'kms:Decrypt'),
  'a failure of CreateUser': failing({ functionName: 'app2-create-user' }, 'cognito-idp:AdminCreateUser'),
  'a failure of SetPassword': failing(
    { functionName: 'app2-set-password' },
    'cognito-idp:AdminSetUserPassword',
  ),
  'a failure of AddToGroup': failing(
    { functionName: 'app2-add-to-group' },
    'cognito-idp:AdminAddUserToGroup',
  ),
  'a failure to publish': failing({ stateMachineArn: outputs.app2.state_machine_arn }, 'events:PutEvents'),
  'a stop by an operator': async (password) => {
    const id = await start(newRequest({ password }));
    const executionArn = `${outputs.app1.state_machine_arn.replace(':stateMachine:', ':execution:')}:${id}`;
    await system.clients.stepFunctions.send(new StopExecutionCommand({ executionArn }));
    await waitForCompletion(id);
    return [await system.status(id)];
  },
  'a missing permission to encrypt the password': async (password) =>
    withoutPermission(outputs, { functionName: 'app1-start-provisioning' }, 'kms:Encrypt', async () => [
      await system.provision(newRequest({ password })),
    ]),
  'an invalid field': rejected((password) => json({ ...newRequest({ password }), username: '' })),
  'an unknown field that is the password': rejected((password) =>
    json({ ...newRequest(), [password]: password }),
  ),
  'the password in other fields': rejected((password) =>
    json({ username: `${password} `, password: { password }, human_user_id: [password] }),
  ),
  'another content type': rejected((password) => json(newRequest({ password })), {
    'content-type': 'text/plain',
  }),
  'a form': rejected((password) => `username=u&password=${encodeURIComponent(password)}`, {
    'content-type': 'application/x-www-form-urlencoded',
  }),
  'an oversized body': rejected((password) => json(newRequest({ password: password.repeat(40_000) }))),
  'malformed JSON': rejected((password) => `{"username": "u", "password": "${password}`),
  'malformed JSON after the password': rejected((password) => `{"password": "${password}", "username": }`),
  'JSON that is only the password': rejected((password) => json([password])),
  'credentials for another user at App2': async (password) => {
    const id = crypto.randomUUID();
    const response = await system.app2(
      'POST',
      '/admin/create-user',
      await machineToken(),
      {
        username: newName('user'),
        human_user_id: 'h-1',
        encrypted_password: await encryptFor(id, newName('another'), password),
      },
      { 'Idempotency-Key': id, Prefer: 'wait=15' },
    );
    return [response];
  },
  'a business request with a password in it': async (password) => {
    const request = newRequest({ password });
    await provision(request);
    const token = await system.signIn(request.username, request.password);
    // The response repeats `data` to its sender, which is not a leak.
    await system.app2('POST', '/sample', token, { data: { password } });
    const bodies = [{ [password]: password }, { data: password }, password];
    return Promise.all(bodies.map((body) => system.app2('POST', '/sample', token, body)));
  },
  'a password where a token belongs': async (password) => [
    await system.app2('POST', '/sample', password, { data: {} }),
    await system.app2(
      'POST',
      '/sample',
      undefined,
      { data: {} },
      {
        authorization: `Basic ${Buffer.from(`user:${password}`).toString('base64')}`,
      },
    ),
    await system.app2('GET', `/admin/create-user/x?password=${encodeURIComponent(password)}`, password),
  ],
};

const startedAt = new Date();
const responses: Written[] = [];

/** All secrets and tokens in texts that operators can read, and in responses. */
async function findLeaks(): Promise<{ leaks: Sighting[]; tokens: string[]; locations: number }> {
  const find = secretFinder(secrets);
  const leaks: Sighting[] = [];
  const tokens: string[] = [];
  let locations = 0;
  const search = ({ location, text }: Written): void => {
    locations += 1;
    leaks.push(...find(location, text));
    tokens.push(...tokensIn(text).map((token) => `${token.slice(0, 12)}... in ${location}`));
  };
  responses.forEach(search);
  for await (const written of writtenSince(startedAt)) search(written);
  for await (const written of configured()) search(written);
  return { leaks, tokens, locations };
}

const textOf = ({ status, headers, body }: ApiResponse): string =>
  JSON.stringify([status, Object.fromEntries(headers), body]);

describe('Passwords and tokens', () => {
  beforeAll(async () => {
    const machine = await readMachineCredentials();
    secrets['the password of the machine user'] = machine.password;
    secrets['the secret of the machine client'] = machine.client_secret;
    secrets['a token of the machine user'] = (await machineToken()).split('.').at(-1) ?? '';
  });

  it.each(Object.entries(scenarios))('are sent in a request: %s', async (name, run) => {
    const password = newPassword();
    secrets[name] = password;
    for (const response of await run(password))
      responses.push({ location: `a response to ${name}`, text: textOf(response) });
  });

  it('are in the later responses of a removal and of failed provisionings', async () => {
    const outcomes = await Promise.all(failed.map((id) => waitForCompletion(id, 120_000)));

    expect(outcomes.map(({ status }) => status)).toEqual(failed.map(() => 'FAILED'));

    for (const id of failed)
      responses.push({
        location: 'the status of a failed provisioning',
        text: textOf(await system.status(id)),
      });
    responses.push(...(await Promise.all(pending)));
  });

  it('are readable nowhere', async () => {
    const { leaks, tokens, locations } = await findLeaks();

    expect(locations).toBeGreaterThan(100);
    expect(leaks).toEqual([]);
    expect(tokens).toEqual([]);
  });
});

/** Deliberate leaks, each of a secret of its own. */
const deliberateLeaks: Record<string, (secret: string) => Promise<unknown>> = {
  'a part of it in a log': async (secret) => {
    const stream = { logGroupName: outputs.app1.log_groups[0], logStreamName: newName('leak') };
    await system.clients.logs.send(new CreateLogStreamCommand(stream));
    const message = `tried ${secret.slice(3, 11)} ...`;
    await system.clients.logs.send(
      new PutLogEventsCommand({ ...stream, logEvents: [{ timestamp: Date.now(), message }] }),
    );
  },
  'base64 in an event': (secret) =>
    new EventBridgeClient(configuration).send(
      new PutEventsCommand({
        Entries: [
          {
            EventBusName: outputs.app2.event_bus_name,
            Source: 'app2.service-users',
            DetailType: 'Leak',
            Detail: json({ text: Buffer.from(`"${secret}"`).toString('base64') }),
          },
        ],
      }),
    ),
  'hex in the input of an execution': (secret) =>
    system.clients.stepFunctions.send(
      new StartExecutionCommand({
        stateMachineArn: outputs.app2.roll_back_state_machine_arn,
        input: json({ leak: Buffer.from(secret).toString('hex') }),
      }),
    ),
};

describe('A leak', () => {
  it.each(Object.entries(deliberateLeaks))('is found: %s', async (name, leak) => {
    const secret = newPassword();
    secrets[name] = secret;

    try {
      await leak(secret);
      await eventually(async () => {
        expect((await findLeaks()).leaks.map((found) => found.secret)).toContain(name);
      }, 15_000);
    } finally {
      delete secrets[name];
    }
  });

  it('is found: in the environment of a function', async () => {
    const lambda = new LambdaClient(configuration);
    const FunctionName = 'app2-sample';
    const { Environment = {} } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    secrets['environment'] = newPassword();
    const Variables = { ...Environment.Variables, LEAK: secrets['environment'] };

    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));

    try {
      expect((await findLeaks()).leaks).toContainEqual(
        expect.objectContaining({ secret: 'environment', location: `the environment of ${FunctionName}` }),
      );
    } finally {
      delete secrets['environment'];
      await lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName,
          Environment: { Variables: Environment.Variables ?? {} },
        }),
      );
    }
  });
});
