import { Logger } from '@aws-lambda-powertools/logger';

/**
 * The logger of all functions. Pass names and ids only, never a whole event, body, token or SDK error.
 * docs.aws.amazon.com/powertools/typescript/latest/features/logger/
 */
export const logger = new Logger({ serviceName: process.env['SERVICE_NAME'] ?? 'unknown' });

/** Fields of every log line: the ids that correlate the lines of both services. */
export interface LogContext {
  provisioning_id?: string | undefined;
  /** Trace id of X-Ray. */
  trace_id?: string | undefined;
  /** Request id of API Gateway. */
  request_id?: string | undefined;
  /** Request id of Lambda, also in its START and REPORT lines. */
  function_request_id?: string | undefined;
  /** Name of the state machine. */
  machine?: string | undefined;
  execution?: string | undefined;
  step?: string | undefined;
  /** At App1 only: name of the target of the step. */
  target?: string | undefined;
  attempt?: number | undefined;
}

/** An execution environment of Lambda runs one invocation at a time. */
let current: LogContext = {};

/** Adds fields to every log line of `run`, and removes them afterwards. */
export async function withLogContext<Result>(
  context: LogContext,
  run: () => Promise<Result>,
): Promise<Result> {
  const outer = current;
  setKeys({ ...outer, ...context });
  try {
    return await run();
  } finally {
    setKeys(outer);
  }
}

/** Adds fields to the following log lines, until the enclosing `withLogContext` ends. */
export function addLogContext(context: LogContext): void {
  setKeys({ ...current, ...context });
}

function setKeys(context: LogContext): void {
  current = context;
  logger.resetKeys();
  logger.appendKeys(Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined)));
}
