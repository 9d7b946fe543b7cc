import { type Group, groups } from '../../contracts/app2-api.ts';

/** Which group may call which route. What is not in this table is denied. `*` stands for one or more characters. */
export const routes: readonly { method: string; path: string; group: Group }[] = [
  { method: 'POST', path: 'admin/create-user', group: groups.apiClient },
  { method: 'GET', path: 'admin/create-user/*', group: groups.apiClient },
  { method: 'DELETE', path: 'admin/create-user/*', group: groups.apiClient },
  { method: 'POST', path: 'sample', group: groups.serviceUser },
];
