import { type Group, groups } from '../../../contracts/app2-api.ts';

/** App client of the pool: `machine` has a secret and is App1's, `service` is public and is the service users'. */
export type Client = 'machine' | 'service';

interface Access {
  method: string;
  path: string;
  /** Group whose members may call the route, if they signed in through `client`. */
  group: Group;
  client: Client;
}

/** Members of `api-client` only count when they signed in with the client secret, which the public client lacks. */
const byMachine = { group: groups.apiClient, client: 'machine' } as const;
const byServiceUser = { group: groups.serviceUser, client: 'service' } as const;

/** Who may call which route. What is not in this table is denied. `*` stands for one or more characters. */
export const routes: readonly Access[] = [
  { method: 'POST', path: 'admin/create-user', ...byMachine },
  { method: 'GET', path: 'admin/create-user/*', ...byMachine },
  { method: 'DELETE', path: 'admin/create-user/*', ...byMachine },
  { method: 'POST', path: 'sample', ...byServiceUser },
];
