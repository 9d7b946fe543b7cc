import { SFNClient } from '@aws-sdk/client-sfn';
import { provisioningId } from '../../contracts/fields.ts';
import { preferredWait } from '../../contracts/headers.ts';
import { type ApiHandler, api } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, startOnce, systemClock } from '../shared/executions.ts';
import { listHeader } from '../shared/header.ts';
import { originOf, traceOf } from '../shared/origin.ts';
import { RequestProblem } from '../shared/problem.ts';
import { absent, remove } from '../shared/removal.ts';
import type { Machines } from '../shared/roll-backs.ts';
import { environments } from './environments.ts';
import { clientOf, creations, findCreation } from './user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: Machines;
  clock: Clock;
}

/**
 * `DELETE /admin/create-user/{provisioning_id}`: the user is wanted no longer. Whatever state the creation is in, the
 * user that it made is gone afterwards: `202` while being removed, `204` once absent.
 */
export const cancelUserCreation =
  ({ stepFunctions, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = clientOf(event);
    const parsed = provisioningId.safeParse(event.pathParameters?.['provisioning_id']);
    if (!parsed.success) throw new RequestProblem('NOT_FOUND');
    const id = parsed.data;

    const creation = await findCreation(stepFunctions, environment, id);
    if (creation === undefined) {
      // Not seen is not known: take the name, so that a request that comes later cannot create anything.
      const start = await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, id, {
        provisioning_id: id,
        owner,
        cancelled: true,
        trace_id: traceOf(event),
      });
      if (start === 'existed') throw new RequestProblem('SERVICE_UNAVAILABLE');
      return absent();
    }
    if (creation.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    const waitSeconds = preferredWait(listHeader(event, 'Prefer'));
    return remove(creations(stepFunctions, environment), creation, {
      origin: originOf(event),
      waitSeconds,
      clock,
    });
  };

export const handler = api(
  cancelUserCreation({
    stepFunctions: apiClient(SFNClient),
    environment: readEnvironment(environments['cancel-user-creation']),
    clock: systemClock,
  }),
);
