import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { type CreateUserRequest, createUserRequest } from '../../contracts/app2-api.ts';
import { cleanEnds } from '../../contracts/ends.ts';
import type { UserCreationInput } from '../../contracts/executions.ts';
import { provisioningId } from '../../contracts/fields.ts';
import { onBehalfOf, preferredWait, prefersAsync, RESPOND_ASYNC } from '../../contracts/headers.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { type ApiHandler, api, json, readBody, readHeader } from '../shared/api.ts';
import { apiClient, invokeClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import {
  begun,
  bestEffort,
  type Clock,
  type Execution,
  pollUntilFinished,
  startOnce,
  systemClock,
} from '../shared/executions.ts';
import { listHeader } from '../shared/header.ts';
import { alsoAbout, logger } from '../shared/logger.ts';
import { originOf } from '../shared/origin.ts';
import { RequestProblem } from '../shared/problem.ts';
import { currentStatus, type Machines } from '../shared/roll-backs.ts';
import { comeBack, statusOf } from '../shared/status.ts';
import { admit, untilTurn } from './admission.ts';
import { environments } from './environments.ts';
import { type Turns, turns } from './turns.ts';
import { type Creation, clientOf, creations, findCreation } from './user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  beginning: Turns;
  waiting: Turns;
  environment: Machines;
  clock: Clock;
}

/** `POST /admin/create-user`: one provisioning_id, one execution; a repeat is answered with the state of the first. */
export const startUserCreation =
  ({ stepFunctions, beginning, waiting, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = clientOf(event);
    const errors: FieldError[] = [];
    const id = readHeader(provisioningId, event, 'Idempotency-Key', errors);
    alsoAbout({ provisioning_id: id });
    const on_behalf_of = readHeader(onBehalfOf.optional(), event, 'On-Behalf-Of', errors);
    const request = readBody(event, createUserRequest, errors);
    if (id === undefined) throw new RequestProblem('INVALID_REQUEST', errors);

    const prefer = listHeader(event, 'Prefer');
    const input: UserCreationInput = {
      provisioning_id: id,
      owner,
      ...originOf(event),
      ...(on_behalf_of === undefined ? {} : { on_behalf_of }),
      ...request,
      ...(await admit({ beginning, waiting, clock }, prefer)),
    };
    const start = await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, id, input);
    logger.info(start === 'started' ? 'User creation started' : 'User creation repeated', {
      provisioning_id: id,
    });
    const look = () => findCreation(stepFunctions, environment, id);
    const wait = preferredWait(prefer);
    if (start === 'existed') await beginning.giveBack();
    const found =
      start === 'started'
        ? await followed(begun(environment.STATE_MACHINE_ARN, id, input, clock.now()), { look, wait, clock })
        : await met(look, wait, clock);
    // It cannot be seen yet: the caller asks again with the same key.
    if (found === undefined) throw new RequestProblem('SERVICE_UNAVAILABLE');
    if (found.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    if (!isRepeat(found, request)) throw new RequestProblem('IDEMPOTENCY_CONFLICT');

    // Nothing that was started here has to be looked for in the roll-backs: an accepted request needs no other look.
    const status =
      start === 'started'
        ? statusOf(found, cleanEnds.app2)
        : await currentStatus(creations(stepFunctions, environment), found);
    const announced = status.status === 'RUNNING' && isAwaited(found) && prefersAsync(prefer);
    const preference = announced ? RESPOND_ASYNC : `wait=${wait}`;
    return json(status.status === 'RUNNING' ? 202 : 200, status, {
      Location: `${event.requestContext.path.replace(/\/$/, '')}/${id}`,
      ...(announced || wait > 0 ? { 'Preference-Applied': preference } : {}),
      ...comeBack(status, clock.now()),
    });
  };

interface Following {
  look: () => Promise<Creation | undefined>;
  wait: number;
  clock: Clock;
}

/** A creation that was just started, when its end is reached or the wait is over. Until its turn there is nothing to see. */
async function followed(
  creation: Execution<UserCreationInput>,
  { look, wait, clock }: Following,
): Promise<Creation | undefined> {
  const pause = untilTurn(creation.parsedInput, clock.now());
  if (isAwaited(creation) || pause >= wait * 1000) return creation;
  await clock.sleep(pause);
  return (await bestEffort(() => pollUntilFinished(look, wait - pause / 1000, clock))) ?? creation;
}

/** A creation that was started before; one whose end is announced is not waited for. */
async function met(look: Following['look'], wait: number, clock: Clock): Promise<Creation | undefined> {
  const creation = wait > 0 ? await look() : undefined;
  const waits = creation?.status === 'RUNNING' && !isAwaited(creation);
  return creation === undefined || waits ? pollUntilFinished(look, wait, clock) : creation;
}

const isAwaited = ({ parsedInput }: Creation): boolean =>
  'awaited' in parsedInput && parsedInput.awaited === true;

/** A retry of App1's step sends the very same request. One that was cancelled before it came is answered as cancelled. */
function isRepeat({ parsedInput: input }: Creation, request: CreateUserRequest): boolean {
  return (
    'cancelled' in input ||
    (input.username === request.username &&
      input.human_user_id === request.human_user_id &&
      input.encrypted_password === request.encrypted_password)
  );
}

const environment = readEnvironment(environments['start-user-creation']);

/** How long a call for a turn may take, in seconds: a hint is not worth more. */
const row = {
  dynamoDb: invokeClient(DynamoDBClient, 1),
  tableName: environment.TURNS_TABLE,
  now: systemClock.now,
};

export const handler = api(
  startUserCreation({
    stepFunctions: apiClient(SFNClient),
    beginning: turns({
      ...row,
      name: 'creations',
      perSecond: environment.CREATIONS_PER_SECOND,
      longest: timeLimits.longestQueue,
    }),
    waiting: turns({ ...row, name: 'waits', perSecond: environment.WAITS_PER_SECOND, longest: 1 }),
    environment,
    clock: systemClock,
  }),
);
