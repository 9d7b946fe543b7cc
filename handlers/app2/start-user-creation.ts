import { SFNClient } from '@aws-sdk/client-sfn';
import { type CreateUserRequest, createUserRequest } from '../../contracts/app2-api.ts';
import type { UserCreationInput } from '../../contracts/executions.ts';
import { provisioningId } from '../../contracts/fields.ts';
import { onBehalfOf, preferredWait } from '../../contracts/headers.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { type ApiHandler, api, header, json, readBody, readValue } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, settle, startOnce, systemClock } from '../shared/executions.ts';
import { alsoAbout, logger } from '../shared/logger.ts';
import { originOf } from '../shared/origin.ts';
import { RequestProblem } from '../shared/problem.ts';
import { currentStatus, type Machines } from '../shared/roll-backs.ts';
import { comeBack } from '../shared/status.ts';
import { environments } from './environments.ts';
import { type Creation, clientOf, creations, findCreation } from './user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: Machines;
  clock: Clock;
}

/** `POST /admin/create-user`: one provisioning_id, one execution; a repeat is answered with the state of the first. */
export const startUserCreation =
  ({ stepFunctions, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = clientOf(event);
    const errors: FieldError[] = [];
    const id = readValue(provisioningId, header(event, 'Idempotency-Key'), 'header Idempotency-Key', errors);
    alsoAbout({ provisioning_id: id });
    const statement = header(event, 'On-Behalf-Of');
    const on_behalf_of = readValue(onBehalfOf.optional(), statement, 'header On-Behalf-Of', errors);
    const request = readBody(event, createUserRequest, errors);
    if (id === undefined) throw new RequestProblem('INVALID_REQUEST', errors);

    const input: UserCreationInput = {
      provisioning_id: id,
      owner,
      ...originOf(event),
      ...(on_behalf_of === undefined ? {} : { on_behalf_of }),
      ...request,
    };
    const start = await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, id, input);
    logger.info(start === 'started' ? 'User creation started' : 'User creation repeated', {
      provisioning_id: id,
    });

    const wait = preferredWait(header(event, 'Prefer'));
    const found = await settle(() => findCreation(stepFunctions, environment, id), wait, clock);
    // Started a moment ago, and the look-up lags behind: the caller asks again with the same key.
    if (found === undefined) throw new RequestProblem('SERVICE_UNAVAILABLE');
    if (found.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    if (!isRepeat(found, request)) throw new RequestProblem('IDEMPOTENCY_CONFLICT');

    const status = await currentStatus(creations(stepFunctions, environment), found);
    return json(status.status === 'RUNNING' ? 202 : 200, status, {
      Location: `${event.requestContext.path.replace(/\/$/, '')}/${id}`,
      ...(wait > 0 ? { 'Preference-Applied': `wait=${wait}` } : {}),
      ...comeBack(status, clock.now()),
    });
  };

/** A retry of App1's step sends the very same request. One that was cancelled before it came is answered as cancelled. */
function isRepeat({ parsedInput: input }: Creation, request: CreateUserRequest): boolean {
  return (
    'cancelled' in input ||
    (input.username === request.username &&
      input.human_user_id === request.human_user_id &&
      input.encrypted_password === request.encrypted_password)
  );
}

export const handler = api(
  startUserCreation({
    stepFunctions: apiClient(SFNClient),
    environment: readEnvironment(environments['start-user-creation']),
    clock: systemClock,
  }),
);
