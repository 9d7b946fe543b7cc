import { randomUUID } from 'node:crypto';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { provisioningId } from '../../contracts/fields.ts';
import { preferredWait } from '../../contracts/headers.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { type ApiHandler, api } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, startOnce, systemClock } from '../shared/executions.ts';
import { listHeader } from '../shared/headers.ts';
import { originOf, traceOf } from '../shared/origin.ts';
import { RequestProblem } from '../shared/problem.ts';
import { absentResponse, cancelExecution, rollBack } from '../shared/removal.ts';
import { CANCELLED_BY_OWNER } from '../shared/roll-backs.ts';
import { environments } from './lib/environments.ts';
import { generationOf, isRequested } from './lib/generation.ts';
import { findUser, statusOfUser } from './lib/pool-user.ts';
import {
  creations,
  findCreation,
  isCancellation,
  ownerOf,
  USERNAME,
  usernameOf,
} from './lib/user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  environment: z.infer<(typeof environments)['cancel-user-creation']>;
  clock: Clock;
}

/**
 * `DELETE /admin/create-user/{provisioning_id}`: cancels a creation in any state, or removes its user. `202` while the
 * user is being removed, `204` when it is absent.
 *
 * Without a record of the creation, the name is reserved first, so that a later request cannot create a user. Then the
 * user is read from the pool: a user of this generation is removed, a user of another generation is not changed. So `204`
 * always follows a check of the pool or of the record.
 * @throws RequestProblem USER_OF_EARLIER_PROVISIONING if the record or user with this id is of another generation
 */
export const cancelUserCreation =
  ({ stepFunctions, cognito, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const parsed = provisioningId.safeParse(event.pathParameters?.['provisioning_id']);
    if (!parsed.success) throw new RequestProblem('NOT_FOUND');
    const id = parsed.data;
    const errors: FieldError[] = [];
    const requestedGeneration = generationOf(event, errors);
    const username = usernameOf(event, errors);
    if (errors.length > 0) throw new RequestProblem('INVALID_REQUEST', errors);

    const workflows = creations(stepFunctions, environment);
    const wait = { waitSeconds: preferredWait(listHeader(event, 'Prefer')), clock };
    const creation = await findCreation(stepFunctions, environment, id);
    if (creation !== undefined && creation.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    const record = creation === undefined || isCancellation(creation) ? undefined : creation;
    if (record !== undefined && isRequested(requestedGeneration, record.parsedInput))
      return cancelExecution(workflows, record, { origin: originOf(event), ...wait });

    const isOfAnotherGeneration = record !== undefined;
    if (username === undefined)
      throw isOfAnotherGeneration
        ? new RequestProblem('USER_OF_EARLIER_PROVISIONING')
        : new RequestProblem('INVALID_REQUEST', [{ pointer: USERNAME, detail: 'is missing' }]);
    if (creation === undefined) {
      // DescribeExecution is eventually consistent: reserve the name, so that a later request cannot create a user.
      const start = await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, id, {
        provisioning_id: id,
        creation_id: requestedGeneration ?? randomUUID(),
        owner,
        cancelled: true,
        trace_id: traceOf(event),
      });
      if (start === 'existed') throw new RequestProblem('SERVICE_UNAVAILABLE');
    }

    const user = await findUser(cognito, environment.USER_POOL_ID, username);
    const stamps = user?.stamps;
    const hasId = stamps?.provisioning_id === id && stamps.owner === owner;
    if (hasId && isRequested(requestedGeneration, stamps)) {
      // The record of the creation has expired, but its user exists, so it succeeded.
      const input = {
        ...stamps,
        username,
        ...originOf(event),
        had_succeeded: true,
        failure: CANCELLED_BY_OWNER,
      };
      const status = statusOfUser(stamps, username, user?.created_at ?? new Date(clock.now()));
      return rollBack(workflows, input, status, wait);
    }
    if (hasId || isOfAnotherGeneration) throw new RequestProblem('USER_OF_EARLIER_PROVISIONING');
    return absentResponse();
  };

export const handler = api(
  cancelUserCreation({
    stepFunctions: apiClient(SFNClient),
    cognito: apiClient(CognitoIdentityProviderClient),
    environment: readEnvironment(environments['cancel-user-creation']),
    clock: systemClock,
  }),
);
