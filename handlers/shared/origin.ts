import { randomBytes } from 'node:crypto';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { type Origin, TRACE_HEADER } from '../../contracts/origin.ts';
import { header } from './api.ts';

/** What the executions are started with that say where they come from. */

/** Of what a caller asked for: the request, and the trace that it belongs to, or a new one. */
export function originOf(event: Pick<APIGatewayProxyEvent, 'headers' | 'requestContext'>): Required<Origin> {
  return {
    causation_id: `request:${event.requestContext.requestId}`,
    trace_id: tracedBy(header(event, TRACE_HEADER)) ?? newTraceId(),
  };
}

/** Of what is undone because an execution ended badly: that execution, and the trace that it belongs to. */
export function originAfter(stateMachineArn: string, name: string, { trace_id }: Origin): Origin {
  const machine = stateMachineArn.split(':').at(-1);
  return {
    causation_id: `execution:${machine}:${name}`,
    ...(trace_id === undefined ? {} : { trace_id }),
  };
}

/** `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…;Sampled=1`; what a caller made up is no trace. */
function tracedBy(value: string | undefined): string | undefined {
  return /(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/.exec(value ?? '')?.[1];
}

/** Where nothing traces, the id still tells what belongs together: time in seconds, and 96 random bits. */
function newTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000)
    .toString(16)
    .padStart(8, '0');
  return `1-${seconds}-${randomBytes(12).toString('hex')}`;
}
