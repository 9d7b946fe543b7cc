import type { BusinessRoute } from '../contracts/app2-access.ts';
import type { ApiResponse, DeployedSystem } from './system.ts';

/** Calls a business endpoint of the target with the body of App2's `/sample`. Its own rules may reject the body. */
export const callBusinessRoute = (
  { callTarget }: Pick<DeployedSystem, 'callTarget'>,
  { method, path }: BusinessRoute,
  token: string,
): Promise<ApiResponse> =>
  callTarget(`/${path}`, {
    method,
    token,
    headers: { 'content-type': 'application/json' },
    ...(method === 'GET' ? {} : { body: JSON.stringify({ data: { n: 1 } }) }),
  });

/** Why a check of the business endpoint does not apply. */
export const noBusinessRoute = ({ app2: { name } }: Pick<DeployedSystem, 'app2'>): string =>
  `no business endpoint of ${name} was given (--business-route)`;
