/**
 * X-Ray's trace of the present invocation, and its propagation. The trace id also correlates logs and events, whether or
 * not X-Ray is enabled.
 * docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */

const ROOT = /(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})\s*(?:;|$)/;
const PARENT = /(?:^|;)\s*Parent=([0-9a-f]{16})\s*(?:;|$)/;
const SAMPLED = /(?:^|;)\s*Sampled=([01])\s*(?:;|$)/;

/** The trace id in a header; `undefined` for another format. */
export const traceIdIn = (header: string | undefined): string | undefined => ROOT.exec(header ?? '')?.[1];

/**
 * Trace header of the present invocation. Lambda sets it for each invocation.
 * docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
const currentHeader = (): string | undefined => process.env['_X_AMZN_TRACE_ID'];

/** Trace id of the present invocation. */
export const currentTraceId = (): string | undefined => traceIdIn(currentHeader());

/**
 * The trace header for a call, by default with the present trace. Parent and sampling decision are those of the present
 * invocation if it belongs to the same trace.
 */
export function traceHeader(traceId: string | undefined = currentTraceId()): string | undefined {
  // A stored id may have another format, and AWS refuses a call with an invalid header.
  if (traceId === undefined || traceIdIn(`Root=${traceId}`) !== traceId) return undefined;
  const header = currentTraceId() === traceId ? currentHeader() : undefined;
  const [parent, sampled] = [PARENT, SAMPLED].map((part) => part.exec(header ?? '')?.[1]);
  return [
    `Root=${traceId}`,
    ...(parent === undefined ? [] : [`Parent=${parent}`]),
    ...(sampled === undefined ? [] : [`Sampled=${sampled}`]),
  ].join(';');
}
