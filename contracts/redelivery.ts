import * as z from 'zod';

/**
 * What `npm run redrive` says of itself when it calls a function: the event comes from a dead-letter queue, so whoever
 * may send to that queue may have written it. A function that would otherwise believe its event asks AWS instead. The
 * event itself is delivered as it was.
 * docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (ClientContext)
 */
export const REDELIVERY = { custom: { redelivered: true } } as const;

/** What is read of the context of an invocation. docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
const redelivered = z.object({
  clientContext: z.object({ custom: z.object({ redelivered: z.literal(true) }) }),
});

/** Whether an invocation delivers the content of a dead-letter queue. */
export const isRedelivery = (context: unknown): boolean => redelivered.safeParse(context).success;
