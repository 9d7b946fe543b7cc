import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  DescribeStateMachineForExecutionCommand,
  type ExecutionListItem,
  type HistoryEvent,
  ListExecutionsCommand,
} from '@aws-sdk/client-sfn';
import { hasErrorName } from '../handlers/shared/errors.ts';
import { readHistory } from '../handlers/shared/history.ts';
import type { Connection } from './connect.ts';

/** The five read operations that the page needs of AWS. Tests replace them. */
export interface Aws {
  /** Executions of a state machine that started after `since`, latest first; at most `limit`, and whether there are more. */
  listExecutions(
    machine: string,
    since: Date,
    limit: number,
  ): Promise<{ executions: ExecutionListItem[]; more: boolean }>;
  /** One execution with its input and outcome; `undefined` when it does not exist. */
  describeExecution(arn: string): Promise<DescribeExecutionOutput | undefined>;
  /** The first `limit` events of an execution's history, with its data, and whether there are more. */
  readEvents(arn: string, limit: number): Promise<{ events: HistoryEvent[]; more: boolean }>;
  /** The definition with which an execution was started. */
  readDefinition(arn: string): Promise<string>;
  /** Messages of a log group that contain a text, from `since` to `until` (default: now). */
  readMessages(logGroup: string, text: string, since: Date, until?: Date): Promise<string[]>;
}

const PAGE = 1000;

export function awsOf({ stepFunctions, logs }: Pick<Connection, 'stepFunctions' | 'logs'>): Aws {
  return {
    async listExecutions(stateMachineArn, since, limit) {
      const executions: ExecutionListItem[] = [];
      let nextToken: string | undefined;
      do {
        const page = await stepFunctions.send(
          new ListExecutionsCommand({
            stateMachineArn,
            maxResults: Math.min(PAGE, limit),
            ...(nextToken === undefined ? {} : { nextToken }),
          }),
        );
        const found = page.executions ?? [];
        executions.push(...found);
        const oldest = found.at(-1)?.startDate ?? since;
        nextToken = oldest < since ? undefined : page.nextToken;
      } while (nextToken !== undefined && executions.length < limit);
      return {
        executions: executions.filter(({ startDate = since }) => startDate >= since),
        more: nextToken !== undefined,
      };
    },

    async describeExecution(executionArn) {
      try {
        return await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      } catch (error) {
        if (hasErrorName(error, 'ExecutionDoesNotExist')) return undefined;
        throw error;
      }
    },

    async readEvents(executionArn, limit) {
      const options = { includeExecutionData: true, maxEvents: limit };
      const { events, truncated: more } = await readHistory(stepFunctions, executionArn, options);
      return { events, more };
    },

    async readDefinition(executionArn) {
      const { definition = '' } = await stepFunctions.send(
        new DescribeStateMachineForExecutionCommand({ executionArn }),
      );
      return definition;
    },

    async readMessages(logGroupName, text, since, until) {
      const messages: string[] = [];
      let nextToken: string | undefined;
      do {
        const page = await logs.send(
          new FilterLogEventsCommand({
            logGroupName,
            filterPattern: `"${text}"`,
            startTime: since.getTime(),
            ...(until === undefined ? {} : { endTime: until.getTime() }),
            ...(nextToken === undefined ? {} : { nextToken }),
          }),
        );
        messages.push(...(page.events ?? []).map(({ message = '' }) => message));
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      return messages;
    },
  };
}
