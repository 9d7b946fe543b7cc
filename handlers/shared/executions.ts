import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import type { Origin } from '../../contracts/origin.ts';
import { isNamed } from './errors.ts';
import { traceHeader } from './trace.ts';

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
    if (isNamed(error, 'ExecutionAlreadyExists')) return 'existed';
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
    if (isNamed(error, 'ExecutionDoesNotExist')) return undefined;
    throw error;
  }
}

/** An execution that was started a moment ago, as a look would show it. */
export const begun = <Input>(
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

/** Time as `settle` sees it, in milliseconds. */
export interface Clock {
  now: () => number;
  sleep: (milliseconds: number) => Promise<unknown>;
}

/** When to look at a running execution: first after the shortest that it takes, then ever less often. Milliseconds. */
const FIRST_LOOK = 200;
const BACKOFF = 2;
const LONGEST_PAUSE = 4_000;

/** Whether an execution has come to its end. */
const hasEnded = ({ status }: Pick<DescribeExecutionOutput, 'status'>): boolean => status !== 'RUNNING';

/**
 * Looks at an execution until it is as wanted (by default: has ended) or `waitSeconds` are over; the last look is the
 * answer.
 * DescribeExecution has a quota of 15 per second for the whole account, so being throttled, like being not yet
 * visible, means "look again", as long as there is time.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export async function settle<Found extends Pick<DescribeExecutionOutput, 'status'>>(
  look: () => Promise<Found | undefined>,
  waitSeconds: number,
  clock: Clock,
  isWanted: (found: Found) => boolean = hasEnded,
): Promise<Found | undefined> {
  const end = clock.now() + waitSeconds * 1000;
  for (let pause = FIRST_LOOK; ; pause = Math.min(pause * BACKOFF, LONGEST_PAUSE)) {
    const left = end - clock.now();
    if (left <= 0) return await look();
    await clock.sleep(Math.min(pause, left));
    const found = await look().catch((error: unknown) => {
      if (isNamed(error, 'ThrottlingException')) return undefined;
      throw error;
    });
    if (found !== undefined && isWanted(found)) return found;
  }
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
