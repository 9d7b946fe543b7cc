import { describe, expect, it } from '@jest/globals';
import { routes } from '../../../../handlers/app2/lib/routes.ts';

describe('routes of App2', () => {
  it('gives each route to one group and client: users are managed by machines, business is for service users', () => {
    expect(
      routes.map(({ method, path, group, client }) => `${group} by ${client}: ${method} ${path}`),
    ).toEqual([
      'api-client by machine: POST admin/create-user',
      'api-client by machine: GET admin/create-user/*',
      'api-client by machine: DELETE admin/create-user/*',
      'service-user by service: POST sample',
    ]);
  });
});
