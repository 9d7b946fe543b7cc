import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { preferredWait } from '../../contracts/headers.ts';
import { type ApiHandler, api } from '../shared/api.ts';
import { apiClient, invokeClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { systemClock } from '../shared/executions.ts';
import { listHeader } from '../shared/headers.ts';
import { originOf } from '../shared/origin.ts';
import { RequestProblem } from '../shared/problem.ts';
import { cancelExecution } from '../shared/removal.ts';
import { environments } from './lib/environments.ts';
import { type CallerServices, forCaller } from './lib/for-caller.ts';
import { findProvisioning, provisionings } from './lib/provisioning.ts';
import { provisioningIdIn } from './lib/provisioning-id.ts';

interface Services extends CallerServices {
  environment: z.infer<(typeof environments)['cancel-provisioning']>;
}

/**
 * Delays in seconds before further calls of DescribeExecution, which is eventually consistent: it may not find a
 * provisioning that was accepted just now.
 */
const CONSISTENCY_DELAYS = [0.5, 2.5] as const;

/**
 * `DELETE /create-service-user/{provisioning_id}`: cancels a provisioning in any state, or deprovisions its user. `202`
 * while the user is being removed, `204` when it is absent, `200` with the status when a target is gone.
 */
export const cancelProvisioning = (services: Services): ApiHandler =>
  forCaller(services, async (event, { owner, stepFunctions }) => {
    const { environment, clock } = services;
    const startedAt = clock.now();
    const id = provisioningIdIn(event);
    const findOwn = async () => {
      const provisioning = await findProvisioning(stepFunctions, environment, id);
      return provisioning?.parsedInput.owner === owner ? provisioning : undefined;
    };

    // A caller that cancels immediately after its request must not receive a 404.
    let found = await findOwn();
    for (const delay of CONSISTENCY_DELAYS) {
      if (found !== undefined) break;
      await clock.sleep(delay * 1000);
      found = await findOwn();
    }
    if (found === undefined) throw new RequestProblem('NOT_FOUND');
    const waited = (clock.now() - startedAt) / 1000;
    const waitSeconds = Math.max(0, preferredWait(listHeader(event, 'Prefer')) - waited);
    return cancelExecution(provisionings(stepFunctions, environment, environment.TARGETS), found, {
      origin: originOf(event),
      waitSeconds,
      clock,
    });
  });

export const handler = api(
  cancelProvisioning({
    stepFunctions: apiClient(SFNClient),
    dynamoDb: invokeClient(DynamoDBClient, 1),
    environment: readEnvironment(environments['cancel-provisioning']),
    clock: systemClock,
  }),
);
