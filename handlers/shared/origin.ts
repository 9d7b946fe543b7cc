import { randomBytes } from 'node:crypto';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { type Origin, TRACE_HEADER } from '../../contracts/origin.ts';
import { headerValues, type WithHeaders } from './headers.ts';
import { presentTrace, rootOf } from './trace-header.ts';

/** What the executions are started with that say where they come from. */

/** Of what a caller asked for: the request, and the trace that it belongs to. */
export function originOf(
  event: WithHeaders & Pick<APIGatewayProxyEvent, 'requestContext'>,
): Required<Origin> {
  return { causation_id: `request:${event.requestContext.requestId}`, trace_id: traceOf(event) };
}

/** The new ids of requests that belong to no trace, so that each has one only. */
const made = new WeakMap<object, string>();

/** The trace that a request belongs to: X-Ray's, or the first that its header names, or a new one. */
export function traceOf(event: WithHeaders & Pick<APIGatewayProxyEvent, 'requestContext'>): string {
  const known =
    presentTrace() ?? rootOf(headerValues(event, TRACE_HEADER)[0]) ?? made.get(event.requestContext);
  if (known !== undefined) return known;
  const id = newTraceId();
  made.set(event.requestContext, id);
  return id;
}

/** Of what is undone because an execution ended badly: that execution, and the trace that it belongs to. */
export function originAfter(stateMachineArn: string, name: string, { trace_id }: Origin): Origin {
  const machine = stateMachineArn.split(':').at(-1);
  return {
    causation_id: `execution:${machine}:${name}`,
    ...(trace_id === undefined ? {} : { trace_id }),
  };
}

/** Where nothing traces, the id still tells what belongs together: time in seconds, and 96 random bits. */
function newTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000)
    .toString(16)
    .padStart(8, '0');
  return `1-${seconds}-${randomBytes(12).toString('hex')}`;
}
