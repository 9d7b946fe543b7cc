import { afterEach, describe, expect, it } from '@jest/globals';
import { api, json } from '../../../handlers/shared/api.ts';
import { addLogContext } from '../../../handlers/shared/logger.ts';
import { originOf } from '../../../handlers/shared/origin.ts';
import { RequestProblem } from '../../../handlers/shared/problem.ts';
import { signedRequest } from '../../support/api-events.ts';
import { watchLogLines } from '../../support/log-lines.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { PROVISIONING_ID, TRACE_ID } from '../../support/subject.ts';

const lines = watchLogLines();
const request = signedRequest({ method: 'GET', path: '/a', id: PROVISIONING_ID });
const invocation = { awsRequestId: 'invocation-1' };
const about = {
  request_id: 'request-1',
  function_request_id: 'invocation-1',
  trace_id: TRACE_ID,
  provisioning_id: PROVISIONING_ID,
};

afterEach(() => {
  delete process.env['_X_AMZN_TRACE_ID'];
});

describe("a request's lines in the log", () => {
  it('contain the request and its response status', async () => {
    await api(async () => json(200, {}))(request, invocation);

    expect(lines()).toEqual([
      expect.objectContaining({
        ...about,
        message: 'Request completed',
        method: 'GET',
        resource: '/a',
        status: 200,
        duration_ms: expect.any(Number),
      }),
    ]);
  });

  it('contain the problem code of a refusal, or the error', async () => {
    const failing = (error: Error) => api(() => Promise.reject(error))(request, invocation);
    await failing(new RequestProblem('NOT_FOUND'));
    await failing(new TypeError('a bug'));

    expect(lines()).toEqual([
      expect.objectContaining({ ...about, message: 'Request refused', code: 'NOT_FOUND' }),
      expect.objectContaining({ ...about, message: 'Request completed', status: 404 }),
      expect.objectContaining({ ...about, message: 'Request failed', error: 'TypeError', level: 'ERROR' }),
      expect.objectContaining({ ...about, message: 'Request completed', status: 500 }),
    ]);
  });

  it('contain the attempts of the failed call', async () => {
    const thrown = Object.assign(sdkError('TimeoutError'), { $metadata: { attempts: 2 } });
    await api(() => Promise.reject(thrown))(request, invocation);

    expect(lines()[0]).toMatchObject({ message: 'Request failed', reason: 'TimeoutError', attempts: 2 });
  });

  it('contain the provisioning_id that the handler added, only in this request', async () => {
    const post = signedRequest({});
    await api(async () => {
      addLogContext({ provisioning_id: PROVISIONING_ID });
      return json(202, {});
    })(post);
    await api(async () => json(202, {}))(post);

    expect(lines()[0]).toMatchObject({ provisioning_id: PROVISIONING_ID });
    expect(lines()[1]).not.toHaveProperty('provisioning_id');
  });

  it('do not contain an invalid provisioning_id', async () => {
    await api(async () => json(404, {}))(signedRequest({ id: "x' or 'a'='a" }));

    expect(lines()[0]).not.toHaveProperty('provisioning_id');
  });

  it('contain the trace id of the execution', async () => {
    const untraced = () => signedRequest({ headers: { 'X-Amzn-Trace-Id': '' } });
    let started: string | undefined;
    const handler = api(async (event) => {
      started = originOf(event).trace_id;
      return json(202, {});
    });

    await handler(untraced());

    expect(lines()[0]).toMatchObject({ trace_id: started });

    process.env['_X_AMZN_TRACE_ID'] = 'Root=1-69259e40-ffffffffffffffffffffffff;Sampled=1';
    await handler(request);

    expect(started).toBe('1-69259e40-ffffffffffffffffffffffff');
    expect(lines()[1]).toMatchObject({ trace_id: started });
  });
});
