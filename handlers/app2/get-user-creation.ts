import { SFNClient } from '@aws-sdk/client-sfn';
import { provisioningId } from '../../contracts/fields.ts';
import { preferredWait } from '../../contracts/headers.ts';
import { type ApiHandler, api, header, json } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { settle, systemClock } from '../shared/executions.ts';
import { RequestProblem } from '../shared/problem.ts';
import { environments } from './environments.ts';
import { clientOf, creationStatus, findCreation, type Machines } from './user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: Machines;
  clock: Parameters<typeof settle>[2];
}

/** `GET /admin/create-user/{provisioning_id}`: the client that asked for it sees the state, any other the same 404. */
export const getUserCreation =
  ({ stepFunctions, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = clientOf(event);
    const id = provisioningId.safeParse(event.pathParameters?.['provisioning_id']);
    if (!id.success) throw new RequestProblem('NOT_FOUND');

    const look = () => findCreation(stepFunctions, environment, id.data);
    const first = await look();
    if (first === undefined || first.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    const wait = preferredWait(header(event, 'Prefer'));
    const found =
      first.status === 'RUNNING' && wait > 0 ? ((await settle(look, wait, clock)) ?? first) : first;

    const headers = wait > 0 ? { 'Preference-Applied': `wait=${wait}` } : undefined;
    return json(200, await creationStatus(stepFunctions, environment, found), headers);
  };

export const handler = api(
  getUserCreation({
    stepFunctions: apiClient(SFNClient),
    environment: readEnvironment(environments['get-user-creation']),
    clock: systemClock,
  }),
);
