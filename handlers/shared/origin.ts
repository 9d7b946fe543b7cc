import { randomBytes } from 'node:crypto';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { type Origin, TRACE_HEADER } from '../../contracts/origin.ts';
import { headerValues, type WithHeaders } from './headers.ts';
import { currentTraceId, traceIdIn } from './trace-header.ts';

/** The origin of executions: part of their input, and of their audit events. */

/** Origin of a request: the request id and the trace. */
export function originOf(
  event: WithHeaders & Pick<APIGatewayProxyEvent, 'requestContext'>,
): Required<Origin> {
  return { causation_id: `request:${event.requestContext.requestId}`, trace_id: traceOf(event) };
}

/** Generated ids of requests without a trace: one id per request. */
const generatedTraceIds = new WeakMap<object, string>();

/** Trace id of a request: that of X-Ray, else that of its header, else a generated one. */
export function traceOf(event: WithHeaders & Pick<APIGatewayProxyEvent, 'requestContext'>): string {
  const existing =
    currentTraceId() ??
    traceIdIn(headerValues(event, TRACE_HEADER)[0]) ??
    generatedTraceIds.get(event.requestContext);
  if (existing !== undefined) return existing;
  const id = newTraceId();
  generatedTraceIds.set(event.requestContext, id);
  return id;
}

/** Origin of a roll-back: the failed execution and its trace. */
export function originAfter(stateMachineArn: string, name: string, { trace_id }: Origin): Origin {
  const machine = stateMachineArn.split(':').at(-1);
  return {
    causation_id: `execution:${machine}:${name}`,
    ...(trace_id === undefined ? {} : { trace_id }),
  };
}

/** A trace id in X-Ray's format: time in seconds, and 96 random bits. It correlates logs and events without X-Ray. */
function newTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000)
    .toString(16)
    .padStart(8, '0');
  return `1-${seconds}-${randomBytes(12).toString('hex')}`;
}
