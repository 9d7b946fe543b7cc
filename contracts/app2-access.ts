import { type Group, groups } from './app2-api.ts';

/**
 * The routes of App2's API with their authorization. routes.ts adds the documentation, the stack the function, and the
 * authorizer reads the group and the client. A route that is not in this table does not exist.
 */

/** App client of the pool: `machine` for App1, with a client secret; `service` for service users, public. */
export type Client = 'machine' | 'service';

export interface Access {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Without a leading slash; `{name}` stands for one segment. */
  readonly path: string;
  /** Group whose members may call the route after a sign-in through `client`. */
  readonly group: Group;
  readonly client: Client;
}

/** Members of `api-client` need a sign-in with the client secret, which the public client lacks. */
const byMachine = { group: groups.apiClient, client: 'machine' } as const;
const byServiceUser = { group: groups.serviceUser, client: 'service' } as const;

export const app2Access = {
  startUserCreation: { method: 'POST', path: 'admin/create-user', ...byMachine },
  getUserCreation: { method: 'GET', path: 'admin/create-user/{provisioning_id}', ...byMachine },
  cancelUserCreation: { method: 'DELETE', path: 'admin/create-user/{provisioning_id}', ...byMachine },
  sample: { method: 'POST', path: 'sample', ...byServiceUser },
} as const satisfies Record<string, Access>;
