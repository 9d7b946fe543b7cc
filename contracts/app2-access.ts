import { type Group, groups } from './app2-api.ts';

/**
 * The routes of App2's API, and who may call each of them. The contract adds what is documented to each row (routes.ts),
 * the stack its function, and the authorizer lets a bearer in by it; a route that is not in this table does not exist.
 */

/** App client of the pool: `machine` has a secret and is App1's, `service` is public and is the service users'. */
export type Client = 'machine' | 'service';

export interface Access {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Without a slash at its begin; `{name}` stands for one segment. */
  readonly path: string;
  /** Group whose members may call the route, if they signed in through `client`. */
  readonly group: Group;
  readonly client: Client;
}

/** Members of `api-client` only count when they signed in with the client secret, which the public client lacks. */
const byMachine = { group: groups.apiClient, client: 'machine' } as const;
const byServiceUser = { group: groups.serviceUser, client: 'service' } as const;

export const app2Access = {
  startUserCreation: { method: 'POST', path: 'admin/create-user', ...byMachine },
  getUserCreation: { method: 'GET', path: 'admin/create-user/{provisioning_id}', ...byMachine },
  cancelUserCreation: { method: 'DELETE', path: 'admin/create-user/{provisioning_id}', ...byMachine },
  sample: { method: 'POST', path: 'sample', ...byServiceUser },
} as const satisfies Record<string, Access>;
