import * as z from 'zod';

/**
 * ClientContext with which `npm run redrive` invokes a function. The event comes from a dead-letter queue, so any
 * principal with sqs:SendMessage on that queue can have written it: the function does not trust the event and reads the
 * state from AWS. The event itself is unchanged.
 * docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (ClientContext)
 */
export const REDELIVERY = { custom: { redelivered: true } } as const;

/** The part of an invocation's context that is read. docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
const redelivered = z.object({
  clientContext: z.object({ custom: z.object({ redelivered: z.literal(true) }) }),
});

/** Whether an invocation delivers a message of a dead-letter queue. */
export const isRedelivery = (context: unknown): boolean => redelivered.safeParse(context).success;
