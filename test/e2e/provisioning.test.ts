import { describe, expect, it } from '@jest/globals';
import { signedFetch } from '../../cli/signed-fetch.ts';
import { sampleReply } from '../../contracts/app2-api.ts';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import { formatPolicy } from '../../contracts/targets.ts';
import { defaultPasswordPolicy } from '../../infra/settings.ts';
import { withTarget } from '../../local/harness/variables.ts';
import { callerWho } from '../local-aws/support/roles.ts';
import {
  eventsOf,
  newName,
  newPassword,
  newRequest,
  outputs,
  provision,
  start,
  statesOf,
  system,
  waitForCompletion,
} from './support/deployed.ts';

const PROVISIONED = ['ServiceUserProvisioningRequested', 'ServiceUserCreated', 'ServiceUserProvisioned'];

describe('a successful provisioning', () => {
  it('creates a confirmed user in group service-user that signs in with the caller’s password', async () => {
    const request = newRequest({ human_user_id: 'h-77' });
    const status = await provision(request);

    expect(status).toMatchObject({ status: 'SUCCEEDED', user: 'present', username: request.username });
    expect(await system.user(request.username)).toMatchObject({
      status: 'CONFIRMED',
      enabled: true,
      groups: ['service-user'],
      attributes: {
        'custom:provisioning_id': status.provisioning_id,
        'custom:creation_id': await system.generationOf('ProvisionServiceUser', status.provisioning_id),
        'custom:human_user_id': 'h-77',
        'custom:owner': 'owner-app1',
        'custom:on_behalf_of': expect.stringMatching(/^\d{12}\//),
      },
    });

    const token = await system.signIn(request.username, request.password);
    const sample = await system.app2('POST', '/sample', token, { data: { n: 1 } });

    expect(sample.status).toBe(200);
    expect(sampleReply.parse(sample.body)).toEqual({ username: request.username, received: { n: 1 } });
    await expect(system.signIn(request.username, newPassword())).rejects.toThrow(
      expect.objectContaining({ name: 'NotAuthorizedException' }),
    );
  });

  it('enters the states of both services in their order', async () => {
    const { provisioning_id } = await provision(newRequest());

    expect(await statesOf('ProvisionServiceUser', provisioning_id)).toEqual([
      'PublishRequested',
      'ProvisionTargets',
      'Authenticate',
      'EncryptCredentials',
      'RequestUserCreation',
      'PublishProvisioned',
      'Provisioned',
    ]);
    expect(await statesOf('CreateServiceUser', provisioning_id)).toEqual([
      'DecryptCredentials',
      'WaitForRateLimit',
      'CreateUser',
      'SetPassword',
      'AddToGroup',
      'PublishUserCreated',
      'UserCreated',
    ]);
  });

  it('is published by each service on its own bus, with valid events', async () => {
    const { provisioning_id } = await provision(newRequest());
    await eventsOf(provisioning_id, PROVISIONED);
    const published = await system.events(provisioning_id);
    const generation = await system.generationOf('CreateServiceUser', provisioning_id);
    const [traceIds, causes] = [
      published.map(({ detail }) => detail.metadata.trace_id),
      published.map(({ source, detail }) => `${source} ${detail.metadata.causation_id}`),
    ];

    for (const event of published) {
      const { detail, source, 'detail-type': name } = readEvent(event);
      const about = `${provisioning_id}:${generation}:${detail.metadata.sequence}:${name}`;
      expect(detail.metadata.event_id).toBe(`${source.replace(/\..*/, '')}:${about}`);
    }
    expect(new Set(traceIds)).toEqual(new Set([expect.stringMatching(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/)]));
    expect([...new Set(causes)].sort()).toEqual([
      expect.stringMatching(/^app1\.provisioning request:./),
      expect.stringMatching(/^app2\.service-users request:./),
    ]);
  });
});

describe('POST /create-service-user', () => {
  it('returns 202 at once, with the URL of the status', async () => {
    const { status, headers, body } = await system.provision(newRequest());

    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'RUNNING', status_url: headers.get('location') });

    const address = headers.get('location') ?? '';
    const credentials = { accessKeyId: outputs.access_key_id, secretAccessKey: outputs.secret_access_key };
    const response = await signedFetch(credentials, outputs.region)(address);

    expect(response.status).toBe(200);

    await waitForCompletion(provisioningStatus.parse(await response.json()).provisioning_id);
  });

  it('returns 200 with the outcome if the caller prefers to wait and the outcome is known in time', async () => {
    const { status, headers, body } = await system.provision(newRequest(), { Prefer: 'wait=20' });

    expect(status).toBe(200);
    expect(headers.get('preference-applied')).toBe('wait=20');
    expect(provisioningStatus.parse(body)).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
  });

  it('rejects a request without a signature', async () => {
    const response = await fetch(`${outputs.app1.api_url}/create-service-user`, {
      method: 'POST',
      body: '{}',
    });

    expect(response.status).toBe(403);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ code: 'FORBIDDEN', status: 403 });
  });

  it('rejects a caller without permission for this API', async () => {
    const credentials = await callerWho({ Effect: 'Allow', Action: 'sts:GetCallerIdentity', Resource: '*' });
    const response = await signedFetch(credentials, outputs.region)(
      `${outputs.app1.api_url}/create-service-user`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(newRequest()),
      },
    );

    expect(response.status).toBe(403);
  });
});

describe('an Idempotency-Key', () => {
  it('makes concurrent repeats one provisioning', async () => {
    const request = newRequest();
    const key = { 'Idempotency-Key': request.username };
    const ids = await Promise.all(Array.from({ length: 8 }, () => start(request, key)));

    expect(new Set(ids).size).toBe(1);

    const [id = ''] = ids;

    expect(await waitForCompletion(id)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await start(request, key)).toBe(id);

    await eventsOf(id, PROVISIONED);
  });

  it('is rejected with different content, including a different password', async () => {
    const request = newRequest();
    const key = { 'Idempotency-Key': request.username };
    await waitForCompletion(await start(request, key));
    const repeat = await system.provision({ ...request, password: newPassword() }, key);

    expect(repeat.status).toBe(409);
    expect(repeat.body).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  });
});

describe('a repeat whose password a newer policy rejects', () => {
  it('returns the status of the first request; another request is rejected', async () => {
    const [request, headers] = [newRequest(), { 'Idempotency-Key': newName('key') }];
    const id = await start(request, headers);
    await waitForCompletion(id);
    const stricter = formatPolicy({ ...defaultPasswordPolicy, minimum_length: 99 });

    await withTarget(outputs, 'app1-start-provisioning', 'app2', { password_policy: stricter }, async () => {
      const repeat = await system.provision(request, headers);
      expect(repeat).toMatchObject({ status: 202, body: { provisioning_id: id, status: 'SUCCEEDED' } });

      for (const [other, key] of [
        [{ ...request, password: newPassword() }, headers],
        [newRequest(), { 'Idempotency-Key': newName('key') }],
      ] as const)
        expect(await system.provision(other, key)).toMatchObject({
          status: 400,
          body: { errors: [{ pointer: '/password', detail: 'must have at least 99 characters' }] },
        });
    });
  });
});

describe('GET /create-service-user/{provisioning_id}', () => {
  it('returns the same 404 to another caller and for an unknown id', async () => {
    const { provisioning_id } = await provision(newRequest());
    const credentials = await callerWho({ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' });
    const response = await signedFetch(
      credentials,
      outputs.region,
    )(`${outputs.app1.api_url}/create-service-user/${provisioning_id}`);
    const unknown = await system.status('00000000-0000-4000-8000-000000000000');

    expect([response.status, unknown.status]).toEqual([404, 404]);
    expect(await response.json()).toEqual(unknown.body);
  });
});
