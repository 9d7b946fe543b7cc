import type { Service } from '../../../contracts/services.ts';
import type { Answer, System } from '../../../local/system.ts';

/** A call to one of the APIs. */
export interface ApiCall {
  service: Service;
  method: 'GET' | 'POST' | 'DELETE';
  /** The provisioning that it is about; absent for a POST that asks for a new one. */
  id: string | undefined;
  body?: unknown;
}

/** Gets each call with its answer before the caller gets the answer. */
export type Observer = (call: ApiCall, answer: Answer) => Promise<void>;

/** Whoever compares what the APIs say with something else adds itself. */
export const observers = new Set<Observer>();

const ADMIN = '/admin/create-user';

/** The same system, of whose APIs every answer is told to the observers. */
export function observed(system: System): System {
  const told = async (call: ApiCall, answering: Promise<Answer>): Promise<Answer> => {
    const answer = await answering;
    await Promise.all([...observers].map((observe) => observe(call, answer)));
    return answer;
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
      told(app1('POST', undefined, request), system.provision(request, headers)),
    status: (id, headers, query) => told(app1('GET', id), system.status(id, headers, query)),
    retry: (id, headers) => told(app1('POST', id), system.retry(id, headers)),
    deprovision: (id, headers) => told(app1('DELETE', id), system.deprovision(id, headers)),
    app2: (method, path, token, body, more) => {
      const answering = system.app2(method, path, token, body, more);
      if (!path.startsWith(ADMIN)) return answering;
      const id = new URL(path, 'http://app2').pathname.slice(ADMIN.length + 1);
      return told({ service: 'app2', method, id: id === '' ? undefined : id, body }, answering);
    },
  };
}
