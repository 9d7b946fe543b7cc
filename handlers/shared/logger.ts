import { Logger } from '@aws-lambda-powertools/logger';

/**
 * The one logger. It never gets an event, a body, a token or an SDK error as a whole: only names and ids.
 * docs.aws.amazon.com/powertools/typescript/latest/features/logger/
 */
export const logger = new Logger({ serviceName: process.env['SERVICE_NAME'] ?? 'unknown' });

/** What a log line is about: the ids by which the lines of both services are found together. */
export interface Subject {
  provisioning_id?: string | undefined;
  /** X-Ray's id of the trace. */
  trace_id?: string | undefined;
  /** Of the request, as API Gateway gave it. */
  request_id?: string | undefined;
  /** Of the invocation, as Lambda gave it; its START and REPORT lines have it, too. */
  function_request_id?: string | undefined;
  /** Where in a workflow: the machine, the name of its execution, the state, and the attempt, which counts from 1. */
  machine?: string | undefined;
  execution?: string | undefined;
  step?: string | undefined;
  attempt?: number | undefined;
}

/** One invocation at a time is all that an environment of a function serves. */
let present: Subject = {};

/** Every line that `run` logs is about this, too; nothing of it stays for the lines after, or for the next invocation. */
export async function withLogContext<Result>(subject: Subject, run: () => Promise<Result>): Promise<Result> {
  const outer = present;
  setKeys({ ...outer, ...subject });
  try {
    return await run();
  } finally {
    setKeys(outer);
  }
}

/** What is known only now of what the lines are about; until the end of the `withLogContext` around it. */
export function addLogContext(subject: Subject): void {
  setKeys({ ...present, ...subject });
}

function setKeys(subject: Subject): void {
  present = subject;
  logger.resetKeys();
  logger.appendKeys(Object.fromEntries(Object.entries(subject).filter(([, value]) => value !== undefined)));
}
