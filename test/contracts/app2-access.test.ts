import { describe, expect, it } from '@jest/globals';
import { app2Access } from '../../contracts/app2-access.ts';

describe('the table of access to App2', () => {
  it('gives each route to one group and client: users are managed by machines, business is for service users', () => {
    expect(
      Object.values(app2Access).map(
        ({ method, path, group, client }) => `${group} by ${client}: ${method} ${path}`,
      ),
    ).toEqual([
      'api-client by machine: POST admin/create-user',
      'api-client by machine: GET admin/create-user/{provisioning_id}',
      'api-client by machine: DELETE admin/create-user/{provisioning_id}',
      'service-user by service: POST sample',
    ]);
  });
});
