import * as z from 'zod';
import { type Group, groups } from './app2-api.ts';

/**
 * The routes of a target's API with their authorization: those of every target, and the business endpoints of its team.
 * routes.ts adds the documentation, the construct the function, and the authorizer reads the group and the client.
 */

/** App client of the pool: `machine` for App1, with a client secret; `service` for service users, public. */
export type Client = 'machine' | 'service';

export interface Access {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without a leading slash; `{name}` stands for one segment. */
  readonly path: string;
  /** Group whose members may call the route after a sign-in through `client`. */
  readonly group: Group;
  readonly client: Client;
}

/** Members of `api-client` need a sign-in with the client secret, which the public client lacks. */
const byMachine = { group: groups.apiClient, client: 'machine' } as const;
const byServiceUser = { group: groups.serviceUser, client: 'service' } as const;

/** The routes of every target. The machine user of App1 calls them. */
export const adminAccess = {
  startUserCreation: { method: 'POST', path: 'admin/create-user', ...byMachine },
  getUserCreation: { method: 'GET', path: 'admin/create-user/{provisioning_id}', ...byMachine },
  cancelUserCreation: { method: 'DELETE', path: 'admin/create-user/{provisioning_id}', ...byMachine },
} as const satisfies Record<string, Access>;

/**
 * A business endpoint of a target. Its first segment is fixed and not `admin`: a parameter becomes `*` in the authorizer's
 * policy, and `*` also matches slashes, so a parameter at the start would open the routes below `admin`.
 * docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
 */
export const businessRoute = z.object({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  path: z
    .string()
    .regex(
      /^[\w.~-]+(\/([\w.~-]+|\{\w+\}))*$/,
      'must be segments of letters, digits and ".", "_", "~", "-", or {name} except for the first one',
    )
    .refine(
      (path) => !/^admin(\/|$)/i.test(path),
      'must not be below admin, whose routes only App1 may call',
    ),
});
export type BusinessRoute = z.infer<typeof businessRoute>;

/** Access to a business endpoint. */
export const businessAccess = (route: BusinessRoute): Access => ({ ...route, ...byServiceUser });

/** The routes of App2. */
export const app2Access = {
  ...adminAccess,
  sample: { method: 'POST', path: 'sample', ...byServiceUser },
} as const satisfies Record<string, Access>;
