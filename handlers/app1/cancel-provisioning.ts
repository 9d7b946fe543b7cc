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
import { remove } from '../shared/removal.ts';
import { environments } from './lib/environments.ts';
import { type CallerServices, forCaller } from './lib/for-caller.ts';
import { findProvisioning, provisionings } from './lib/provisioning.ts';
import { provisioningIdIn } from './lib/provisioning-id.ts';

interface Services extends CallerServices {
  environment: z.infer<(typeof environments)['cancel-provisioning']>;
}

/**
 * Pauses before the looks that follow the first one, in seconds: a provisioning that was accepted a moment ago may stay
 * unseen for as long as all of them.
 */
const LOOK_UP_LAG = [0.5, 2.5] as const;

/**
 * `DELETE /create-service-user/{provisioning_id}`: the user is wanted no longer. Whatever state the provisioning is in,
 * the user that it made is gone afterwards: `202` while being removed, `204` once absent.
 */
export const cancelProvisioning = (services: Services): ApiHandler =>
  forCaller(services, async (event, { owner, stepFunctions }) => {
    const { environment, clock } = services;
    const startedAt = clock.now();
    const id = provisioningIdIn(event);
    const look = async () => {
      const provisioning = await findProvisioning(stepFunctions, environment, id);
      return provisioning?.parsedInput.owner === owner ? provisioning : undefined;
    };

    // The look-up lags, and whoever cancels at once must not be told that there is nothing to cancel.
    let found = await look();
    for (const pause of LOOK_UP_LAG) {
      if (found !== undefined) break;
      await clock.sleep(pause * 1000);
      found = await look();
    }
    if (found === undefined) throw new RequestProblem('NOT_FOUND');
    const waited = (clock.now() - startedAt) / 1000;
    const waitSeconds = Math.max(0, preferredWait(listHeader(event, 'Prefer')) - waited);
    return remove(provisionings(stepFunctions, environment), found, {
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
