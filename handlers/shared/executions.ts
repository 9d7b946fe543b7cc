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

/** Start, description and polling of executions. The name of an execution is the provisioning_id. */

/** ARN of the execution `name` of a Standard state machine. */
export function executionArn(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

/**
 * Starts an execution with a name, which Step Functions accepts once until 90 days after the execution has finished. The
 * execution continues the trace of its input.
 * @returns `existed` if an execution with this name exists: running with another input, or finished
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

/** An execution with its input, parsed by its schema. */
export interface Execution<Input> extends DescribeExecutionOutput {
  parsedInput: Input;
}

/**
 * Describes an execution; `undefined` if it does not exist, or does not exist yet: the call is eventually consistent.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
 * @throws ZodError or SyntaxError if the input does not match its schema, and the errors of the call
 */
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

/** The description of an execution that was started just now, without a call. */
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

/** Time for polling, in milliseconds. */
export interface Clock {
  now: () => number;
  sleep: (milliseconds: number) => Promise<unknown>;
}

/**
 * Delays before the polls of one wait, in seconds: short while most executions finish, longer afterwards. A creation
 * takes about 30 ms on a local AWS and half a second on AWS, so one or two polls reach its outcome. Six polls cover the
 * longest wait. DescribeExecution has a low quota (contracts/quotas.ts).
 */
export const POLL_PAUSES = [0.05, 0.55, 0.9, 2, 4.5, 12] as const;

const hasFinished = ({ status }: Pick<DescribeExecutionOutput, 'status'>): boolean => status !== 'RUNNING';

/**
 * Polls an execution until it has finished or the wait is over; with no wait, once. A poll that is throttled or finds the
 * service unavailable is skipped.
 * @param poll describes the execution; `undefined` if it does not exist yet
 * @returns the result of the latest successful poll; `undefined` without one
 * @throws the other errors of `poll`; RequestProblem THROTTLED if the first poll exceeds the caller's rate
 */
export async function pollUntilFinished<Polled extends Pick<DescribeExecutionOutput, 'status'>>(
  poll: () => Promise<Polled | undefined>,
  waitSeconds: number,
  clock: Clock,
): Promise<Polled | undefined> {
  const end = clock.now() + waitSeconds * 1000;
  let latest: Polled | undefined;
  for (let n = 0; ; n += 1) {
    const remaining = Math.max(0, end - clock.now());
    if (remaining > 0)
      await clock.sleep(Math.min((POLL_PAUSES[n] ?? Number.POSITIVE_INFINITY) * 1000, remaining));
    try {
      latest = (await poll().catch(skipIfTransient)) ?? latest;
    } catch (thrown) {
      // The caller's rate is used up: the latest result is returned.
      if (thrown instanceof RequestProblem && latest !== undefined) return latest;
      throw thrown;
    }
    if ((latest !== undefined && hasFinished(latest)) || clock.now() >= end) return latest;
  }
}

function skipIfTransient(thrown: unknown): undefined {
  const { name: error, message: reason } = classifyError(thrown);
  if (error !== 'ServiceThrottled' && error !== 'ServiceUnavailable') throw thrown;
  logger.warn('Poll failed', { error, reason, attempts: attemptsOf(thrown) });
}

/**
 * Runs a call whose result is optional, such as details for the response of an accepted request. An error is logged, and
 * the result is `undefined`.
 */
export async function bestEffort<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await call();
  } catch (thrown) {
    const { name: error, message: reason } = classifyError(thrown);
    logger.warn('Optional call failed', { error, reason });
    return undefined;
  }
}

/** The clock of the system. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
