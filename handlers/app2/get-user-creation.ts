import { SFNClient } from '@aws-sdk/client-sfn';
import { type ApiHandler, api, json } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, systemClock } from '../shared/executions.ts';
import { ownedExecution } from '../shared/owned-execution.ts';
import { currentStatus, type Machines } from '../shared/roll-backs.ts';
import { environments } from './environments.ts';
import { clientOf, creations, findCreation } from './user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: Machines;
  clock: Clock;
}

/** `GET /admin/create-user/{provisioning_id}`: the client that asked for it sees the state, any other the same 404. */
export const getUserCreation =
  ({ stepFunctions, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const { execution, headers } = await ownedExecution(event, {
      owner: clientOf(event),
      look: (id) => findCreation(stepFunctions, environment, id),
      clock,
    });
    return json(200, await currentStatus(creations(stepFunctions, environment), execution), headers);
  };

export const handler = api(
  getUserCreation({
    stepFunctions: apiClient(SFNClient),
    environment: readEnvironment(environments['get-user-creation']),
    clock: systemClock,
  }),
);
