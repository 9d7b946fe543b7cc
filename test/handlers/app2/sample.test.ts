import { describe, expect, it } from '@jest/globals';
import { handler } from '../../../handlers/app2/sample.ts';
import { authorizedRequest } from '../../support/api-events.ts';
import { expectProblem } from '../../support/problems.ts';

describe('POST /sample', () => {
  it('returns the username and the received data', async () => {
    const response = await handler(
      authorizedRequest({ body: { data: { a: 1 } } }, { owner: 's', username: 'alice', client_id: 'c' }),
    );

    expect(response.statusCode).toBe(200);
    expect(JSON.parse(response.body)).toEqual({ username: 'alice', received: { a: 1 } });
  });

  it.each([
    ['no data', {}, '/data'],
    ['data that is no object', { data: 'text' }, '/data'],
    ['a field that is not known', { data: {}, more: 1 }, '/more'],
  ])('refuses %s', async (_what, body, pointer) => {
    const { errors } = expectProblem(await handler(authorizedRequest({ body })), 'INVALID_REQUEST');

    expect(errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it('refuses a request without the context of the authorizer', async () => {
    expectProblem(await handler(authorizedRequest({ body: { data: {} } }, {})), 'UNAUTHENTICATED');
  });
});
