import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { APP1 } from '../../contracts/services.ts';
import { type ReceivedTimelinePart, receivedTimelinePart } from '../../contracts/status.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { type ApiHandler, api, json } from '../shared/api.ts';
import { apiClient, invokeClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { classifyError } from '../shared/errors.ts';
import { systemClock } from '../shared/executions.ts';
import { logger } from '../shared/logger.ts';
import { ownedExecution } from '../shared/owned-execution.ts';
import type { Generation } from '../shared/roll-back-names.ts';
import { currentProgress } from '../shared/roll-backs.ts';
import { retryAfter } from '../shared/status.ts';
import { availableTimeline, merge } from '../shared/timeline.ts';
import { waitingForOf } from '../shared/waiting-for.ts';
import { withEstimate } from './lib/callback-registry.ts';
import { environments } from './lib/environments.ts';
import { type CallerServices, forCaller } from './lib/for-caller.ts';
import { findProvisioning, provisionings } from './lib/provisioning.ts';
import type { ReadTimelineInput } from './lib/read-timeline.ts';

interface Services extends CallerServices {
  lambda: Pick<LambdaClient, 'send'>;
  environment: z.infer<(typeof environments)['get-provisioning']>;
}

/**
 * `GET /create-service-user/{provisioning_id}`: the status for the owner, a 404 for other callers. With
 * `?include=timeline` also the steps at both services.
 */
export const getProvisioning = ({ lambda, ...services }: Services): ApiHandler =>
  forCaller(services, async (event, { owner, stepFunctions, count }) => {
    const { dynamoDb, environment, clock } = services;
    const { execution, headers, withTimeline } = await ownedExecution(event, {
      owner,
      describe: (id) => findProvisioning(stepFunctions, environment, id),
      clock,
    });
    const { targets } = execution.parsedInput;
    const workflows = provisionings(stepFunctions, environment, environment.TARGETS);
    const { status: current, latest } = await currentProgress(workflows, execution);
    const [estimated, waiting_for] = await Promise.all([
      withEstimate(current, { dynamoDb, tableName: environment.CALLBACKS_TABLE, targets }),
      waitingForOf(stepFunctions, latest, APP1, clock.now(), targets),
    ]);
    const status = { ...estimated, ...(waiting_for === undefined ? {} : { waiting_for }) };
    const allHeaders = { ...headers, ...retryAfter(status, clock.now()) };
    if (!withTimeline) return json(200, status, allHeaders);
    const parts = await Promise.all([
      availableTimeline(APP1, workflows, execution.parsedInput),
      ...targets.map((target) =>
        timelineOfTarget(lambda, environment.CALL_TARGET_FUNCTION, { ...execution.parsedInput, target }, () =>
          count(CALLS_AT_TARGET),
        ),
      ),
    ]);
    return json(200, { ...status, ...merge(...parts) }, allHeaders);
  });

/** DescribeExecution calls of a target for its timeline. They use the same quota if both services share an account. */
const CALLS_AT_TARGET = 3;

/**
 * A target's part of the timeline, read by the function that has App1's token. If it cannot be read in time, the result is
 * empty and marked as incomplete, so that the response contains at least App1's part. A newer target can return codes that
 * this release does not document; they are passed on. The service of a step is the target's name in App1's registry.
 */
async function timelineOfTarget(
  lambda: Pick<LambdaClient, 'send'>,
  FunctionName: string,
  { provisioning_id, creation_id, target }: Generation & { target: string },
  /** Throws if the caller's rate is used up. */
  count: () => Promise<void>,
): Promise<ReceivedTimelinePart> {
  const action: ReadTimelineInput = { action: 'ReadTimeline', target, provisioning_id, creation_id };
  try {
    await count();
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: JSON.stringify(action) }),
    );
    if (FunctionError !== undefined) throw new Error(`${FunctionName} failed.`);
    const { timeline, timeline_incomplete } = receivedTimelinePart.parse(
      JSON.parse(Payload?.transformToString() ?? ''),
    );
    return {
      timeline: timeline.map((step) => ({ ...step, service: target })),
      ...(timeline_incomplete === undefined ? {} : { timeline_incomplete: [target] }),
    };
  } catch (thrown) {
    const { name: error, message: reason } = classifyError(thrown);
    logger.warn('Timeline of the target not available', { provisioning_id, target, error, reason });
    return { timeline: [], timeline_incomplete: [target] };
  }
}

export const handler = api(
  getProvisioning({
    stepFunctions: apiClient(SFNClient),
    lambda: invokeClient(LambdaClient, timeLimits.timeline),
    dynamoDb: invokeClient(DynamoDBClient, 1),
    environment: readEnvironment(environments['get-provisioning']),
    clock: systemClock,
  }),
);
