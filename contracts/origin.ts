import * as z from 'zod';
import { storedText } from './stored.ts';

/** The origin of an audit event: links it to the request, its logs and its trace. */

/**
 * Trigger of the action: `request:<id>`, a request to the API with API Gateway's request id (also in its access log);
 * `execution:<state machine>:<name>`, a finished execution that needed a roll-back; `rotation:<id>`, a rotation by
 * Secrets Manager.
 */
export const causationId = z.string().regex(/^(request|execution|rotation):[A-Za-z0-9_.:=-]{1,200}$/);

/**
 * X-Ray's id of the trace to which the request belongs; the same at both services.
 * docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
 */
export const traceId = z.string().regex(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);

/** Both ids as the input of an execution contains them (stored.ts). */
export const origin = z.object({ causation_id: storedText.optional(), trace_id: storedText.optional() });
export type Origin = z.infer<typeof origin>;

/** The header that propagates the trace from one service to the other. */
export const TRACE_HEADER = 'X-Amzn-Trace-Id';
