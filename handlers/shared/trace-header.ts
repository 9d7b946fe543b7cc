/**
 * X-Ray's trace of the present invocation, and how it is handed on. Nothing here needs X-Ray to be on: the id tells what
 * belongs together in logs and events, too.
 * docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */

const ROOT = /(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})\s*(?:;|$)/;
const PARENT = /(?:^|;)\s*Parent=([0-9a-f]{16})\s*(?:;|$)/;
const SAMPLED = /(?:^|;)\s*Sampled=([01])\s*(?:;|$)/;

/** The id of the trace that a header names; what somebody made up is no trace. */
export const rootOf = (header: string | undefined): string | undefined => ROOT.exec(header ?? '')?.[1];

/**
 * Of the present invocation: Lambda sets it anew each time.
 * docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
const present = (): string | undefined => process.env['_X_AMZN_TRACE_ID'];

/** The trace that the present invocation belongs to. */
export const presentTrace = (): string | undefined => rootOf(present());

/**
 * The header for whoever is called on behalf of a trace, by default of the present one. Parent and sampling are those of
 * the present invocation, as long as it is of that trace; the end of an execution is looked at in another one.
 */
export function traceHeader(traceId: string | undefined = presentTrace()): string | undefined {
  // What is stored may be anything; AWS refuses a call with a header that is none.
  if (traceId === undefined || rootOf(`Root=${traceId}`) !== traceId) return undefined;
  const ours = presentTrace() === traceId ? present() : undefined;
  const [parent, sampled] = [PARENT, SAMPLED].map((part) => part.exec(ours ?? '')?.[1]);
  return [
    `Root=${traceId}`,
    ...(parent === undefined ? [] : [`Parent=${parent}`]),
    ...(sampled === undefined ? [] : [`Sampled=${sampled}`]),
  ].join(';');
}
