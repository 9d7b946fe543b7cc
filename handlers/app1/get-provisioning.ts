import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { cleanEnds } from '../../contracts/ends.ts';
import { provisioningInput } from '../../contracts/executions.ts';
import { type ApiHandler, api, json } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, describe, systemClock } from '../shared/executions.ts';
import { ownedExecution } from '../shared/owned-execution.ts';
import { statusOf } from '../shared/status.ts';
import { environments } from './environments.ts';
import { ownerOf } from './owner.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: z.infer<(typeof environments)['get-provisioning']>;
  clock: Clock;
}

/** `GET /create-service-user/{provisioning_id}`: the owner sees the state, everybody else the same 404. */
export const getProvisioning =
  ({ stepFunctions, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const { execution, headers } = await ownedExecution(event, {
      owner: ownerOf(event),
      look: (id) => describe(stepFunctions, environment.STATE_MACHINE_ARN, id, provisioningInput),
      clock,
    });
    return json(200, statusOf(execution, cleanEnds.app1), headers);
  };

export const handler = api(
  getProvisioning({
    stepFunctions: apiClient(SFNClient),
    environment: readEnvironment(environments['get-provisioning']),
    clock: systemClock,
  }),
);
