import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import type { Origin } from '../../contracts/origin.ts';
import { attemptsOf, classifyError, hasErrorName } from './errors.ts';
import { logger } from './logger.ts';
import { RequestProblem } from './problem.ts';
import { traceHeader } from './trace-header.ts';

/** What the API handlers of both services do with executions. The execution's name is the provisioning_id. */

/** ARN of the execution `name` of a Standard state machine. */
export function executionArn(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

/**
 * Starts an execution under its name, which Step Functions lets happen once in 90 days.
 * `existed`: there was one of this name before, running with another input, or ended. The trace that the input names
 * goes on in the execution.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export async function startOnce<Input extends Pick<Origin, 'trace_id'>>(
  stepFunctions: Pick<SFNClient, 'send'>,
  stateMachineArn: string,
  name: string,
  input: Input,
): Promise<'started' | 'existed'> {
  try {
    const trace = traceHeader(input.trace_id);
    await stepFunctions.send(
      new StartExecutionCommand({
        stateMachineArn,
        name,
        input: JSON.stringify(input),
        ...(trace === undefined ? {} : { traceHeader: trace }),
      }),
    );
    return 'started';
  } catch (error) {
    if (hasErrorName(error, 'ExecutionAlreadyExists')) return 'existed';
    throw error;
  }
}

/** An execution together with its input, checked against the schema that it was started with. */
export interface Execution<Input> extends DescribeExecutionOutput {
  parsedInput: Input;
}

/** Looks an execution up; `undefined` when there is none (or not yet: the look-up is eventually consistent). */
export async function describe<Input extends z.ZodType>(
  stepFunctions: Pick<SFNClient, 'send'>,
  stateMachineArn: string,
  name: string,
  inputSchema: Input,
): Promise<Execution<z.infer<Input>> | undefined> {
  try {
    const execution = await stepFunctions.send(
      new DescribeExecutionCommand({ executionArn: executionArn(stateMachineArn, name) }),
    );
    return { ...execution, parsedInput: inputSchema.parse(JSON.parse(execution.input ?? '')) };
  } catch (error) {
    if (hasErrorName(error, 'ExecutionDoesNotExist')) return undefined;
    throw error;
  }
}

/** An execution that was started a moment ago, as a look would show it. */
export const startedExecution = <Input>(
  stateMachineArn: string,
  name: string,
  parsedInput: Input,
  now: number,
): Execution<Input> => ({
  executionArn: executionArn(stateMachineArn, name),
  stateMachineArn,
  status: 'RUNNING',
  startDate: new Date(now),
  parsedInput,
});

/** Time as polling sees it, in milliseconds. */
export interface Clock {
  now: () => number;
  sleep: (milliseconds: number) => Promise<unknown>;
}

/**
 * Pauses before the looks of one wait, in seconds: close together while most executions finish, far apart afterwards.
 * A creation takes some 30 ms on a local AWS and some half a second on AWS, so one or two looks see its end.
 * Six looks cover the longest wait. DescribeExecution has the narrowest quota of the account (contracts/quotas.ts).
 */
export const POLL_PAUSES = [0.05, 0.55, 0.9, 2, 4.5, 12] as const;

const hasFinished = ({ status }: Pick<DescribeExecutionOutput, 'status'>): boolean => status !== 'RUNNING';

/**
 * Looks at an execution until it has finished or `waitSeconds` are over, and gives what was seen last; `undefined` when
 * it was never seen. With no time to wait it looks once. A look that is throttled or finds the service unavailable has
 * seen nothing, also the last one.
 * @throws every other error of a look; RequestProblem THROTTLED when the caller's share of looks is used up by the first
 */
export async function pollUntilFinished<Found extends Pick<DescribeExecutionOutput, 'status'>>(
  look: () => Promise<Found | undefined>,
  waitSeconds: number,
  clock: Clock,
): Promise<Found | undefined> {
  const end = clock.now() + waitSeconds * 1000;
  let seen: Found | undefined;
  for (let n = 0; ; n += 1) {
    const left = Math.max(0, end - clock.now());
    if (left > 0) await clock.sleep(Math.min((POLL_PAUSES[n] ?? Number.POSITIVE_INFINITY) * 1000, left));
    try {
      seen = (await look().catch(unseenIfPassing)) ?? seen;
    } catch (thrown) {
      // The caller has had its share of looks: what was seen before is the answer.
      if (thrown instanceof RequestProblem && seen !== undefined) return seen;
      throw thrown;
    }
    if ((seen !== undefined && hasFinished(seen)) || clock.now() >= end) return seen;
  }
}

function unseenIfPassing(thrown: unknown): undefined {
  const { name: error, message: reason } = classifyError(thrown);
  if (error !== 'ServiceThrottled' && error !== 'ServiceUnavailable') throw thrown;
  logger.warn('Execution not seen', { error, reason, attempts: attemptsOf(thrown) });
}

/**
 * What is asked only to say more about a request that was accepted before: a failure is logged, and the answer says
 * less. An accepted request is never answered with an error.
 */
export async function bestEffort<Found>(ask: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await ask();
  } catch (thrown) {
    const { name: error, message: reason } = classifyError(thrown);
    logger.warn('The answer says less than was asked for', { error, reason });
    return undefined;
  }
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
