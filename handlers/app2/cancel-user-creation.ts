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
import { absent, remove, rollBack } from '../shared/removal.ts';
import { CANCELLED_BY_OWNER } from '../shared/roll-backs.ts';
import { environments } from './lib/environments.ts';
import { generationOf, isMeant } from './lib/generation.ts';
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
 * `DELETE /admin/create-user/{provisioning_id}`: the user is wanted no longer. Whatever state the creation is in, the
 * user that it made is gone afterwards: `202` while being removed, `204` once absent.
 *
 * When there is no record of the creation, the pool tells: first the name is taken, so that a request that comes later
 * cannot create anything; then the user is looked up. It is removed if this generation has made it, and left untouched
 * if another one has. So `204` is never said of a user at which nobody has looked.
 * @throws RequestProblem USER_OF_EARLIER_PROVISIONING when the id is another generation's, and no user of the one asked
 * for exists
 */
export const cancelUserCreation =
  ({ stepFunctions, cognito, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const parsed = provisioningId.safeParse(event.pathParameters?.['provisioning_id']);
    if (!parsed.success) throw new RequestProblem('NOT_FOUND');
    const id = parsed.data;
    const errors: FieldError[] = [];
    const asked = generationOf(event, errors);
    const username = usernameOf(event, errors);
    if (errors.length > 0) throw new RequestProblem('INVALID_REQUEST', errors);

    const workflows = creations(stepFunctions, environment);
    const waiting = { waitSeconds: preferredWait(listHeader(event, 'Prefer')), clock };
    const creation = await findCreation(stepFunctions, environment, id);
    if (creation !== undefined && creation.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    const record = creation === undefined || isCancellation(creation) ? undefined : creation;
    if (record !== undefined && isMeant(asked, record.parsedInput))
      return remove(workflows, record, { origin: originOf(event), ...waiting });

    const isOfAnother = record !== undefined;
    if (username === undefined)
      throw isOfAnother
        ? new RequestProblem('USER_OF_EARLIER_PROVISIONING')
        : new RequestProblem('INVALID_REQUEST', [{ pointer: USERNAME, detail: 'is missing' }]);
    if (creation === undefined) {
      // Not seen is not known: take the name, so that a request that comes later cannot create anything.
      const start = await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, id, {
        provisioning_id: id,
        creation_id: asked ?? randomUUID(),
        owner,
        cancelled: true,
        trace_id: traceOf(event),
      });
      if (start === 'existed') throw new RequestProblem('SERVICE_UNAVAILABLE');
    }

    const user = await findUser(cognito, environment.USER_POOL_ID, username);
    const stamps = user?.stamps;
    const hasId = stamps?.provisioning_id === id && stamps.owner === owner;
    if (hasId && isMeant(asked, stamps)) {
      // It was made, and its record has expired: how it ended is known by the user itself.
      const input = {
        ...stamps,
        username,
        ...originOf(event),
        had_succeeded: true,
        failure: CANCELLED_BY_OWNER,
      };
      const status = statusOfUser(stamps, username, user?.created_at ?? new Date(clock.now()));
      return rollBack(workflows, input, status, waiting);
    }
    if (hasId || isOfAnother) throw new RequestProblem('USER_OF_EARLIER_PROVISIONING');
    return absent();
  };

export const handler = api(
  cancelUserCreation({
    stepFunctions: apiClient(SFNClient),
    cognito: apiClient(CognitoIdentityProviderClient),
    environment: readEnvironment(environments['cancel-user-creation']),
    clock: systemClock,
  }),
);
