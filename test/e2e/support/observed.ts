import type { ServiceKind } from '../../../contracts/services.ts';
import type { ApiResponse, System } from '../../../local/system.ts';

/** A call to one of the APIs. */
export interface ApiCall {
  service: ServiceKind;
  method: 'GET' | 'POST' | 'DELETE';
  /** Id of the provisioning; `undefined` for a POST that requests a new one. */
  id: string | undefined;
  body?: unknown;
}

/** Receives each call with its response before the caller receives the response. */
export type Observer = (call: ApiCall, response: ApiResponse) => Promise<void>;

/** The observers of every response; a module that verifies responses adds its own. */
export const observers = new Set<Observer>();

const ADMIN = '/admin/create-user';

/** The same system, whose APIs pass every response to the observers. */
export function withObservers(system: System): System {
  const observe = async (call: ApiCall, pending: Promise<ApiResponse>): Promise<ApiResponse> => {
    const response = await pending;
    await Promise.all([...observers].map((observer) => observer(call, response)));
    return response;
  };
  const app1 = (method: ApiCall['method'], id: string | undefined, body?: unknown): ApiCall => ({
    service: 'app1',
    method,
    id,
    body,
  });
  return {
    ...system,
    provision: (request, headers) =>
      observe(app1('POST', undefined, request), system.provision(request, headers)),
    status: (id, headers, query) => observe(app1('GET', id), system.status(id, headers, query)),
    retry: (id, headers) => observe(app1('POST', id), system.retry(id, headers)),
    deprovision: (id, headers) => observe(app1('DELETE', id), system.deprovision(id, headers)),
    app2: (method, path, token, body, more) => {
      const pending = system.app2(method, path, token, body, more);
      if (!path.startsWith(ADMIN)) return pending;
      const id = new URL(path, 'http://app2').pathname.slice(ADMIN.length + 1);
      return observe({ service: 'app2', method, id: id === '' ? undefined : id, body }, pending);
    },
  };
}
