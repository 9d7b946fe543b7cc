import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { type TimelinePart, timelinePart } from '../../contracts/status.ts';
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
 * `GET /create-service-user/{provisioning_id}`: the owner sees the state, everybody else the same 404. With
 * `?include=timeline` also the steps that it went through at both services.
 */
export const getProvisioning = ({ lambda, ...services }: Services): ApiHandler =>
  forCaller(services, async (event, { owner, stepFunctions, count }) => {
    const { dynamoDb, environment, clock } = services;
    const { execution, headers, withTimeline } = await ownedExecution(event, {
      owner,
      look: (id) => findProvisioning(stepFunctions, environment, id),
      clock,
    });
    const workflows = provisionings(stepFunctions, environment);
    const { status: current, latest } = await currentProgress(workflows, execution);
    const [estimated, waiting_for] = await Promise.all([
      withEstimate(current, { dynamoDb, tableName: environment.CALLBACKS_TABLE }),
      waitingForOf(stepFunctions, latest, 'app1', clock.now()),
    ]);
    const status = { ...estimated, ...(waiting_for === undefined ? {} : { waiting_for }) };
    const all = { ...headers, ...retryAfter(status, clock.now()) };
    if (!withTimeline) return json(200, status, all);
    const parts = await Promise.all([
      availableTimeline('app1', workflows, execution.parsedInput),
      timelineOfApp2(lambda, environment.CALL_APP2_FUNCTION, execution.parsedInput, () =>
        count(CALLS_AT_APP2),
      ),
    ]);
    return json(200, { ...status, ...merge(...parts) }, all);
  });

/** DescribeExecution calls of App2 when it is asked for its timeline, in the same account as a rule. */
const CALLS_AT_APP2 = 3;

/**
 * What App2 tells, by the function that has App1's token. When it does not answer in time, App1's own part is worth
 * having, so its absence is said in the answer instead of failing it.
 */
async function timelineOfApp2(
  lambda: Pick<LambdaClient, 'send'>,
  FunctionName: string,
  { provisioning_id, creation_id }: Generation,
  /** Fails when the caller may not ask now. */
  count: () => Promise<void>,
): Promise<TimelinePart> {
  const question: ReadTimelineInput = { action: 'ReadTimeline', provisioning_id, creation_id };
  try {
    await count();
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: JSON.stringify(question) }),
    );
    if (FunctionError !== undefined) throw new Error(`${FunctionName} failed.`);
    return timelinePart.parse(JSON.parse(Payload?.transformToString() ?? ''));
  } catch (thrown) {
    const { name: error, message: reason } = classifyError(thrown);
    logger.warn('App2 told no timeline', { provisioning_id, error, reason });
    return { timeline: [], timeline_incomplete: ['app2'] };
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
