import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { provisioningIdOf } from '../../../../handlers/app1/lib/provisioning-id.ts';
import type { Backend } from '../../../../handlers/app1/migration/backend.ts';
import { routeProvisioning } from '../../../../handlers/app1/migration/route-provisioning.ts';
import { type ApiHandler, api, json } from '../../../../handlers/shared/api.ts';
import { RequestProblem } from '../../../../handlers/shared/problem.ts';
import { CALLER, CALLERS_OWNER, signedRequest } from '../../../support/api-events.ts';
import { expectNoLeak, watchLog } from '../../../support/leaks.ts';
import { expectProblem } from '../../../support/problems.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { PASSWORD } from '../../../support/subject.ts';

const log = watchLog();
const body = { username: 'alice', password: PASSWORD, human_user_id: 'h-42' };
const workflow = jest.fn<ApiHandler>();
const request = jest.fn<(body: string) => Promise<{ status: number; body: string }>>();
const count = jest.fn<(backend: Backend, failed: boolean) => void>();
const choose = jest.fn<(event: unknown, username: string) => Promise<Backend>>();
const pin = jest.fn<(id: string, chosen: Backend) => Promise<Backend>>();

const post = (
  headers: Record<string, string | string[]> = {},
  content: unknown = body,
  identity: object = CALLER,
) =>
  api(routeProvisioning({ choose, pin, workflow, legacy: { request }, count }))(
    signedRequest({ path: '/create-service-user', headers, body: content }, identity),
  );

beforeEach(() => {
  for (const mock of [workflow, request, count, choose, pin]) mock.mockReset();
  workflow.mockResolvedValue(json(202, { provisioning_id: 'p' }, { Location: 'there' }));
  request.mockResolvedValue({ status: 201, body: '{"id":1}' });
  pin.mockImplementation(async (_id, chosen) => chosen);
});

describe('POST /create-service-user while a legacy endpoint is replaced', () => {
  it('is served by the workflow when it is chosen, with X-Provisioned-By', async () => {
    choose.mockResolvedValue('workflow');

    expect(await post()).toMatchObject({
      statusCode: 202,
      headers: { Location: 'there', 'X-Provisioned-By': 'workflow' },
    });
    expect(request).not.toHaveBeenCalled();
    expect(count.mock.calls).toEqual([['workflow', false]]);
  });

  it.each([
    ['U+FFFD', `{"username":"alice","password":"x\ufffd"}`],
    ['half a pair', `{"username":"alice","password":"x\ud83d"}`],
  ])('refuses to proxy a body that is not well-formed: %s', async (_what, content) => {
    choose.mockResolvedValue('legacy');

    expectProblem(await post({}, content), 'INVALID_REQUEST');
    expect(request).not.toHaveBeenCalled();
  });

  it('is served by the legacy endpoint when it is chosen, with its status and body', async () => {
    choose.mockResolvedValue('legacy');

    expect(await post()).toMatchObject({
      statusCode: 201,
      body: '{"id":1}',
      headers: {
        'X-Provisioned-By': 'legacy',
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
      },
    });
    expect(request.mock.calls).toEqual([[JSON.stringify(body)]]);
    expect(workflow).not.toHaveBeenCalled();
    expect(count.mock.calls).toEqual([['legacy', false]]);
  });

  it('chooses by the username of any body', async () => {
    choose.mockResolvedValue('legacy');
    await post();
    await post({}, '{"username"');
    await post({}, { username: 7 });

    expect(choose.mock.calls.map(([, username]) => username)).toEqual(['alice', '', '']);
    expect(request).toHaveBeenCalledTimes(3);
  });

  it.each(['workflow', 'legacy'] as const)('uses the stored backend of its key: %s', async (backend) => {
    choose.mockResolvedValue(backend === 'legacy' ? 'workflow' : 'legacy');
    pin.mockResolvedValue(backend);

    expect(await post({ 'idempotency-key': 'k' })).toMatchObject({
      headers: { 'X-Provisioned-By': backend },
    });
    expect(pin.mock.calls.map(([id]) => id)).toEqual([provisioningIdOf(CALLERS_OWNER, 'k')]);
  });

  it('stores nothing for a request without a valid key', async () => {
    choose.mockResolvedValue('workflow');
    await post();
    await post({ 'Idempotency-Key': 'a b' });

    expect(pin).not.toHaveBeenCalled();
    expect(workflow).toHaveBeenCalledTimes(2);
  });

  it('refuses two different keys', async () => {
    choose.mockResolvedValue('legacy');

    expectProblem(await post({ 'Idempotency-Key': ['k', 'l'] }), 'INVALID_REQUEST');
    expect(workflow).not.toHaveBeenCalled();
    expect(request).not.toHaveBeenCalled();
  });

  it('fails when the stored backend cannot be read', async () => {
    choose.mockResolvedValue('legacy');
    pin.mockRejectedValue(sdkError('ThrottlingException'));

    expectProblem(await post({ 'Idempotency-Key': 'k' }), 'SERVICE_UNAVAILABLE');
    expect(workflow).not.toHaveBeenCalled();
    expect(request).not.toHaveBeenCalled();
  });

  it('returns and counts a failure of either backend', async () => {
    choose.mockResolvedValueOnce('legacy').mockResolvedValueOnce('workflow');
    request.mockRejectedValue(new RequestProblem('LEGACY_TIMEOUT'));
    workflow.mockResolvedValue(json(503, {}));

    const response = await post();

    expectProblem(response, 'LEGACY_TIMEOUT');
    expect(response.headers).toMatchObject({ 'X-Provisioned-By': 'legacy' });

    await post();

    expect(count.mock.calls).toEqual([
      ['legacy', true],
      ['workflow', true],
    ]);
  });

  it('refuses an unsigned request', async () => {
    expectProblem(await post({}, body, {}), 'FORBIDDEN');
    expect(choose).not.toHaveBeenCalled();
  });

  it('logs backend and owner, and nothing secret', async () => {
    choose.mockResolvedValue('legacy');
    await post();

    expect(log()).toContain('Request routed');
    expect(log()).toContain(CALLERS_OWNER);
    expectNoLeak(PASSWORD, log());
  });
});
