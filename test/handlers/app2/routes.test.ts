import { describe, expect, it } from '@jest/globals';
import { routes } from '../../../handlers/app2/routes.ts';

describe('routes of App2', () => {
  it('gives each route to one group: users are managed by machines, business is for service users', () => {
    expect(routes.map(({ method, path, group }) => `${group}: ${method} ${path}`)).toEqual([
      'api-client: POST admin/create-user',
      'api-client: GET admin/create-user/*',
      'api-client: DELETE admin/create-user/*',
      'service-user: POST sample',
    ]);
  });
});
