import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { type CreateUserRequest, createUserRequest } from '../../contracts/app2-api.ts';
import type { UserCreationInput } from '../../contracts/executions.ts';
import { provisioningId } from '../../contracts/fields.ts';
import { onBehalfOf, preferredWait, prefersAsync, RESPOND_ASYNC } from '../../contracts/headers.ts';
import { cleanOutcomes } from '../../contracts/outcomes.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { type ApiHandler, api, json, readBody, readHeader } from '../shared/api.ts';
import { apiClient, invokeClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import {
  bestEffort,
  type Clock,
  type Execution,
  pollUntilFinished,
  startedExecution,
  startOnce,
  systemClock,
} from '../shared/executions.ts';
import { listHeader } from '../shared/headers.ts';
import { addLogContext, logger } from '../shared/logger.ts';
import { originOf } from '../shared/origin.ts';
import { RequestProblem } from '../shared/problem.ts';
import { type RateLimiter, rateLimiter } from '../shared/rate-limiter.ts';
import { currentStatus, type Machines } from '../shared/roll-backs.ts';
import { retryAfter, statusOf } from '../shared/status.ts';
import {
  type CreationLimiter,
  callerOf,
  creationLimiter,
  RATE_LIMITS_SECONDS,
  UNCONTENDED_SECONDS,
} from './lib/creation-limiter.ts';
import { environments } from './lib/environments.ts';
import { generationOf, isMeant } from './lib/generation.ts';
import { type Creation, creations, findCreation, ownerOf } from './lib/user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  creationLimiter: Pick<CreationLimiter, 'estimate'>;
  /** Limits of how many creations the status is polled; DescribeExecution has a quota. */
  pollLimiter: Pick<RateLimiter, 'reserve'>;
  environment: Machines;
  clock: Clock;
}

/**
 * `POST /admin/create-user`: one provisioning_id, one execution; a repeat is answered with the state of the first, also
 * while the queue is full. The queue is only looked at: DecryptCredentials reserves the start.
 */
export const startUserCreation =
  ({
    stepFunctions,
    creationLimiter: creationQueue,
    pollLimiter,
    environment,
    clock,
  }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const errors: FieldError[] = [];
    const id = readHeader(provisioningId, event, 'Idempotency-Key', errors);
    addLogContext({ provisioning_id: id });
    const on_behalf_of = readHeader(onBehalfOf.optional(), event, 'On-Behalf-Of', errors);
    const asked = generationOf(event, errors);
    const request = readBody(event, createUserRequest, errors);
    if (id === undefined) throw new RequestProblem('INVALID_REQUEST', errors);

    const look = () => findCreation(stepFunctions, environment, id);
    const estimate = await creationQueue.estimate(callerOf({ on_behalf_of, owner }));
    const existing = estimate === undefined ? await look() : undefined;
    if (estimate === undefined && existing === undefined) throw new RequestProblem('QUEUE_FULL');

    const prefer = listHeader(event, 'Prefer');
    const queued = estimate !== undefined && estimate - clock.now() > UNCONTENDED_SECONDS * 1000;
    const notify = prefersAsync(prefer) && (queued || (await pollLimiter.reserve()) === undefined);
    const input: UserCreationInput = {
      provisioning_id: id,
      creation_id: asked ?? randomUUID(),
      owner,
      ...originOf(event),
      ...(on_behalf_of === undefined ? {} : { on_behalf_of }),
      ...request,
      ...(queued ? { estimated_start_at: new Date(estimate).toISOString() } : {}),
      ...(notify ? { notify } : {}),
    };
    const start =
      existing === undefined
        ? await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, id, input)
        : 'existed';
    logger.info(start === 'started' ? 'User creation started' : 'User creation repeated', {
      provisioning_id: id,
    });
    const wait = preferredWait(prefer);
    const found =
      start === 'started'
        ? await waitForStarted(startedExecution(environment.STATE_MACHINE_ARN, id, input, clock.now()), {
            look,
            wait,
            clock,
          })
        : await waitForExisting(existing, { look, wait, clock });
    // It cannot be seen yet: the caller asks again with the same key.
    if (found === undefined) throw new RequestProblem('SERVICE_UNAVAILABLE');
    if (found.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    if (!isMeant(asked, found.parsedInput))
      throw await ofAnotherGeneration(creations(stepFunctions, environment), found);
    if (!isRepeat(found, request)) throw new RequestProblem('IDEMPOTENCY_CONFLICT');

    // Nothing that was started here has to be looked for in the roll-backs: an accepted request needs no other look.
    const status =
      start === 'started'
        ? statusOf(found, cleanOutcomes.app2)
        : await currentStatus(creations(stepFunctions, environment), found);
    const notifies = status.status === 'RUNNING' && isNotified(found) && prefersAsync(prefer);
    const preference = notifies ? RESPOND_ASYNC : `wait=${wait}`;
    return json(status.status === 'RUNNING' ? 202 : 200, status, {
      Location: `${event.requestContext.path.replace(/\/$/, '')}/${id}`,
      ...(notifies || wait > 0 ? { 'Preference-Applied': preference } : {}),
      ...retryAfter(status, clock.now()),
    });
  };

interface Waiting {
  look: () => Promise<Creation | undefined>;
  /** Seconds. */
  wait: number;
  clock: Clock;
}

/** A creation that was just started, once it has finished or the wait is over. Before its start there is nothing to see. */
async function waitForStarted(
  creation: Execution<UserCreationInput>,
  { look, wait, clock }: Waiting,
): Promise<Creation | undefined> {
  const delay = delayUntilStart(creation.parsedInput, clock.now());
  if (isNotified(creation) || delay >= wait * 1000) return creation;
  await clock.sleep(delay);
  return (await bestEffort(() => pollUntilFinished(look, wait - delay / 1000, clock))) ?? creation;
}

/** A creation that was started before, once it has finished or the wait is over; one with a notification at once. */
async function waitForExisting(
  seen: Creation | undefined,
  { look, wait, clock }: Waiting,
): Promise<Creation | undefined> {
  const creation = seen ?? (wait > 0 ? await look() : undefined);
  const waits = creation?.status === 'RUNNING' && wait > 0 && !isNotified(creation);
  return creation === undefined || waits ? pollUntilFinished(look, wait, clock) : creation;
}

const isNotified = ({ parsedInput }: Creation): boolean =>
  'notify' in parsedInput && parsedInput.notify === true;

/** How far away the estimated start of a creation is, in milliseconds; 0 when it was requested without a queue. */
const delayUntilStart = ({ estimated_start_at }: UserCreationInput, now: number): number =>
  estimated_start_at === undefined ? 0 : Math.max(0, Date.parse(estimated_start_at) - now);

/**
 * The name was used before App1 had forgotten it: what has it is another generation's, whose user may still exist. It is
 * not touched.
 */
async function ofAnotherGeneration(
  workflows: ReturnType<typeof creations>,
  found: Creation,
): Promise<RequestProblem> {
  const { user } = await currentStatus(workflows, found);
  return new RequestProblem(user === 'absent' ? 'IDEMPOTENCY_CONFLICT' : 'USER_OF_EARLIER_PROVISIONING');
}

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

const rateLimits = { dynamoDb: invokeClient(DynamoDBClient, RATE_LIMITS_SECONDS), now: systemClock.now };

export const handler = api(
  startUserCreation({
    stepFunctions: apiClient(SFNClient),
    creationLimiter: creationLimiter({ ...rateLimits, environment }),
    pollLimiter: rateLimiter({
      ...rateLimits,
      tableName: environment.RATE_LIMITS_TABLE,
      name: 'status-polls',
      perSecond: environment.STATUS_POLLS_PER_SECOND,
      maxDelaySeconds: 1,
    }),
    environment,
    clock: systemClock,
  }),
);
