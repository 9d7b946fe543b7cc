import { describe, expect, it } from '@jest/globals';
import { signedFetch } from '../../cli/signed-fetch.ts';
import { sampleReply } from '../../contracts/app2-api.ts';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import { defaultPasswordPolicy } from '../../infra/settings.ts';
import { callerWho } from '../local-aws/support/roles.ts';
import {
  ended,
  eventsOf,
  newName,
  newPassword,
  newRequest,
  outputs,
  provision,
  start,
  statesOf,
  system,
  withVariable,
} from './support/deployed.ts';

const PROVISIONED = ['ServiceUserProvisioningRequested', 'ServiceUserCreated', 'ServiceUserProvisioned'];

describe('a provisioning that goes well', () => {
  it('ends with a confirmed user in group service-user that signs in with the caller’s password', async () => {
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

  it('goes through the states in their order, in both services', async () => {
    const { provisioning_id } = await provision(newRequest());
    expect(await statesOf('ProvisionServiceUser', provisioning_id)).toEqual([
      'PublishRequested',
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

  it('is announced by each service on its own bus, with events that validate', async () => {
    const { provisioning_id } = await provision(newRequest());
    await eventsOf(provisioning_id, PROVISIONED);
    const published = await system.events(provisioning_id);
    const generation = await system.generationOf('CreateServiceUser', provisioning_id);
    for (const event of published) {
      const { detail, source, 'detail-type': name } = readEvent(event);
      const about = `${provisioning_id}:${generation}:${detail.metadata.sequence}:${name}`;
      expect(detail.metadata.event_id).toBe(`${source.replace(/\..*/, '')}:${about}`);
    }
    const [traceIds, causes] = [
      published.map(({ detail }) => detail.metadata.trace_id),
      published.map(({ source, detail }) => `${source} ${detail.metadata.causation_id}`),
    ];
    expect(new Set(traceIds)).toEqual(new Set([expect.stringMatching(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/)]));
    expect([...new Set(causes)].sort()).toEqual([
      expect.stringMatching(/^app1\.provisioning request:./),
      expect.stringMatching(/^app2\.service-users request:./),
    ]);
  });
});

describe('POST /create-service-user', () => {
  it('answers 202 at once, with an address that tells the state', async () => {
    const { status, headers, body } = await system.provision(newRequest());
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'RUNNING', status_url: headers.get('location') });
    const address = headers.get('location') ?? '';
    const credentials = { accessKeyId: outputs.access_key_id, secretAccessKey: outputs.secret_access_key };
    const asked = await signedFetch(credentials, outputs.region)(address);
    expect(asked.status).toBe(200);
    await ended(provisioningStatus.parse(await asked.json()).provisioning_id);
  });

  it('answers 200 with the end when it is preferred to wait and the end comes in time', async () => {
    const { status, headers, body } = await system.provision(newRequest(), { Prefer: 'wait=20' });
    expect(status).toBe(200);
    expect(headers.get('preference-applied')).toBe('wait=20');
    expect(provisioningStatus.parse(body)).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
  });

  it('refuses a request that nobody signed', async () => {
    const answer = await fetch(`${outputs.app1.api_url}/create-service-user`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ code: 'FORBIDDEN', status: 403 });
  });

  it('refuses a caller who has no right to this API', async () => {
    const credentials = await callerWho({ Effect: 'Allow', Action: 'sts:GetCallerIdentity', Resource: '*' });
    const answer = await signedFetch(credentials, outputs.region)(
      `${outputs.app1.api_url}/create-service-user`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(newRequest()),
      },
    );
    expect(answer.status).toBe(403);
  });
});

describe('an Idempotency-Key', () => {
  it('makes repeats one provisioning, however many come at once', async () => {
    const request = newRequest();
    const key = { 'Idempotency-Key': request.username };
    const ids = await Promise.all(Array.from({ length: 8 }, () => start(request, key)));
    expect(new Set(ids).size).toBe(1);
    const [id = ''] = ids;
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await start(request, key)).toBe(id);
    await eventsOf(id, PROVISIONED);
  });

  it('is refused with other content, a password included', async () => {
    const request = newRequest();
    const key = { 'Idempotency-Key': request.username };
    await ended(await start(request, key));
    const repeat = await system.provision({ ...request, password: newPassword() }, key);
    expect(repeat.status).toBe(409);
    expect(repeat.body).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  });
});

describe('a repeat whose password a newer policy refuses', () => {
  it('is answered with the state of the first; another request is refused', async () => {
    const [request, headers] = [newRequest(), { 'Idempotency-Key': newName('key') }];
    const id = await start(request, headers);
    await ended(id);
    const stricter = JSON.stringify({ ...defaultPasswordPolicy, minimum_length: 99 });

    await withVariable('app1-start-provisioning', 'PASSWORD_POLICY', stricter, async () => {
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
  it('answers another caller and an unknown id with the same 404', async () => {
    const { provisioning_id } = await provision(newRequest());
    const credentials = await callerWho({ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' });
    const asked = await signedFetch(
      credentials,
      outputs.region,
    )(`${outputs.app1.api_url}/create-service-user/${provisioning_id}`);
    const unknown = await system.status('00000000-0000-4000-8000-000000000000');
    expect([asked.status, unknown.status]).toEqual([404, 404]);
    expect(await asked.json()).toEqual(unknown.body);
  });
});
