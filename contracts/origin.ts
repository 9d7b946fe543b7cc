import * as z from 'zod';
import { storedText } from './stored.ts';

/** What led to a fact, so that it can be followed from its event back to the request, in logs and traces. */

/**
 * What made the service act: `request:<id>`, a request to its API under the id that API Gateway gave it (its access log
 * has it, too); `execution:<machine>:<name>`, the end of an execution that needed a roll-back; `rotation:<id>`, a
 * rotation by Secrets Manager.
 */
export const causationId = z.string().regex(/^(request|execution|rotation):[A-Za-z0-9_.:=-]{1,200}$/);

/**
 * X-Ray's id of the trace to which the request belongs; the same at both services.
 * docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
 */
export const traceId = z.string().regex(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);

/** Both, as they are read from the input of an execution: a stored shape. */
export const origin = z.object({ causation_id: storedText.optional(), trace_id: storedText.optional() });
export type Origin = z.infer<typeof origin>;

/** Carries the trace from one service to the other. */
export const TRACE_HEADER = 'X-Amzn-Trace-Id';
