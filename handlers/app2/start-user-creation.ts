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
import { generationOf, isRequested } from './lib/generation.ts';
import { type Creation, creations, findCreation, ownerOf } from './lib/user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  creationLimiter: Pick<CreationLimiter, 'estimate'>;
  /** Limits the creations whose status is polled, for the quota of DescribeExecution. */
  pollLimiter: Pick<RateLimiter, 'reserve'>;
  environment: Machines;
  clock: Clock;
}

/**
 * `POST /admin/create-user`: starts one execution per provisioning_id. A repeated request returns the status of the first
 * one, also while the queue is full. This function only estimates the queue; DecryptCredentials reserves the start.
 */
export const startUserCreation =
  ({ stepFunctions, creationLimiter: queue, pollLimiter, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const errors: FieldError[] = [];
    const id = readHeader(provisioningId, event, 'Idempotency-Key', errors);
    addLogContext({ provisioning_id: id });
    const on_behalf_of = readHeader(onBehalfOf.optional(), event, 'On-Behalf-Of', errors);
    const requestedGeneration = generationOf(event, errors);
    const request = readBody(event, createUserRequest, errors);
    if (id === undefined) throw new RequestProblem('INVALID_REQUEST', errors);

    const describe = () => findCreation(stepFunctions, environment, id);
    const estimate = await queue.estimate(callerOf({ on_behalf_of, owner }));
    const existing = estimate === undefined ? await describe() : undefined;
    if (estimate === undefined && existing === undefined) throw new RequestProblem('QUEUE_FULL');

    const prefer = listHeader(event, 'Prefer');
    const queued = estimate !== undefined && estimate - clock.now() > UNCONTENDED_SECONDS * 1000;
    const notify = prefersAsync(prefer) && (queued || (await pollLimiter.reserve()) === undefined);
    const input: UserCreationInput = {
      provisioning_id: id,
      creation_id: requestedGeneration ?? randomUUID(),
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
            describe,
            wait,
            clock,
          })
        : await waitForExisting(existing, { describe, wait, clock });
    // DescribeExecution does not find it yet: the caller sends the request again with the same key.
    if (found === undefined) throw new RequestProblem('SERVICE_UNAVAILABLE');
    if (found.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    if (!isRequested(requestedGeneration, found.parsedInput))
      throw await problemOfAnotherGeneration(creations(stepFunctions, environment), found);
    if (!isRepeat(found, request)) throw new RequestProblem('IDEMPOTENCY_CONFLICT');

    // An execution that was started just now has no roll-back, so no further call is needed.
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

interface Wait {
  describe: () => Promise<Creation | undefined>;
  /** Seconds. */
  wait: number;
  clock: Clock;
}

/** Waits for a creation that was started just now. It is not polled before its estimated start. */
async function waitForStarted(
  creation: Execution<UserCreationInput>,
  { describe, wait, clock }: Wait,
): Promise<Creation | undefined> {
  const delay = delayUntilStart(creation.parsedInput, clock.now());
  if (isNotified(creation) || delay >= wait * 1000) return creation;
  await clock.sleep(delay);
  return (await bestEffort(() => pollUntilFinished(describe, wait - delay / 1000, clock))) ?? creation;
}

/** Waits for a creation of an earlier request, unless its client is notified. */
async function waitForExisting(
  described: Creation | undefined,
  { describe, wait, clock }: Wait,
): Promise<Creation | undefined> {
  const creation = described ?? (wait > 0 ? await describe() : undefined);
  const mustPoll = creation?.status === 'RUNNING' && wait > 0 && !isNotified(creation);
  return creation === undefined || mustPoll ? pollUntilFinished(describe, wait, clock) : creation;
}

const isNotified = ({ parsedInput }: Creation): boolean =>
  'notify' in parsedInput && parsedInput.notify === true;

/** Milliseconds until the estimated start of a creation; 0 without a queue. */
const delayUntilStart = ({ estimated_start_at }: UserCreationInput, now: number): number =>
  estimated_start_at === undefined ? 0 : Math.max(0, Date.parse(estimated_start_at) - now);

/**
 * The problem for an id whose record is of another generation: its user may still exist, and is not changed.
 */
async function problemOfAnotherGeneration(
  workflows: ReturnType<typeof creations>,
  found: Creation,
): Promise<RequestProblem> {
  const { user } = await currentStatus(workflows, found);
  return new RequestProblem(user === 'absent' ? 'IDEMPOTENCY_CONFLICT' : 'USER_OF_EARLIER_PROVISIONING');
}

/** Whether a creation has the content of the request. A cancellation, which has no content, counts as a repetition. */
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
