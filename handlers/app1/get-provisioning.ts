import { SFNClient } from '@aws-sdk/client-sfn';
import { type ApiHandler, api, json } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, systemClock } from '../shared/executions.ts';
import { ownedExecution } from '../shared/owned-execution.ts';
import { currentStatus, type Machines } from '../shared/roll-backs.ts';
import { environments } from './environments.ts';
import { ownerOf } from './owner.ts';
import { findProvisioning, provisionings } from './provisioning.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: Machines;
  clock: Clock;
}

/** `GET /create-service-user/{provisioning_id}`: the owner sees the state, everybody else the same 404. */
export const getProvisioning =
  ({ stepFunctions, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const { execution, headers } = await ownedExecution(event, {
      owner: ownerOf(event),
      look: (id) => findProvisioning(stepFunctions, environment, id),
      clock,
    });
    return json(200, await currentStatus(provisionings(stepFunctions, environment), execution), headers);
  };

export const handler = api(
  getProvisioning({
    stepFunctions: apiClient(SFNClient),
    environment: readEnvironment(environments['get-provisioning']),
    clock: systemClock,
  }),
);
