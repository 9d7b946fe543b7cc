import { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { provisioningId } from '../../contracts/fields.ts';
import { preferredWait } from '../../contracts/headers.ts';
import { type ApiHandler, api, header, json } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, settle, startOnce, systemClock } from '../shared/executions.ts';
import { logger } from '../shared/logger.ts';
import { RequestProblem } from '../shared/problem.ts';
import { environments } from './environments.ts';
import { clientOf, creationStatus, findCreation, findRollBack, type Machines } from './user-creation.ts';

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
      });
      if (start === 'existed') throw new RequestProblem('SERVICE_UNAVAILABLE');
      return absent();
    }
    if (creation.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    if ('cancelled' in creation.parsedInput) return absent();
    const before = await creationStatus(stepFunctions, environment, creation);
    if (before.status !== 'RUNNING' && before.user === 'absent') return absent();

    const { username, human_user_id } = creation.parsedInput;
    const input = { provisioning_id: id, username, human_user_id, owner };
    const start = await startOnce(stepFunctions, environment.ROLL_BACK_STATE_MACHINE_ARN, id, input);
    logger.info(start === 'started' ? 'Roll-back started' : 'Roll-back repeated', { provisioning_id: id });

    const wait = preferredWait(header(event, 'Prefer'));
    const rollBack = await settle(() => findRollBack(stepFunctions, environment, id), wait, clock);
    if (rollBack?.status === 'SUCCEEDED') return absent();
    return json(202, { ...before, user: 'being_removed' });
  };

const absent = (): APIGatewayProxyResult => ({
  statusCode: 204,
  headers: { 'Cache-Control': 'no-store' },
  body: '',
});

export const handler = api(
  cancelUserCreation({
    stepFunctions: apiClient(SFNClient),
    environment: readEnvironment(environments['cancel-user-creation']),
    clock: systemClock,
  }),
);
