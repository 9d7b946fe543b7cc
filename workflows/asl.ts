import * as z from 'zod';

/**
 * The part of Amazon States Language that these workflows use.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 */
const retrier = z.looseObject({
  ErrorEquals: z.array(z.string()),
  IntervalSeconds: z.number(),
  BackoffRate: z.number(),
  MaxAttempts: z.number(),
  MaxDelaySeconds: z.number(),
});

const task = z.looseObject({
  Type: z.literal('Task'),
  Resource: z.string(),
  TimeoutSeconds: z.number(),
  Retry: z.array(retrier),
  Catch: z.array(z.looseObject({ ErrorEquals: z.array(z.string()), Next: z.string() })),
  Next: z.string(),
});
export type Task = z.infer<typeof task>;

const choice = z.looseObject({
  Type: z.literal('Choice'),
  Choices: z.array(z.looseObject({ Condition: z.string(), Next: z.string() })),
  Default: z.string(),
});

const wait = z.looseObject({ Type: z.literal('Wait'), Timestamp: z.string(), Next: z.string() });

const succeed = z.looseObject({ Type: z.literal('Succeed') });
const fail = z.looseObject({ Type: z.literal('Fail'), Error: z.string() });

export const machine = z.looseObject({
  StartAt: z.string(),
  States: z.record(z.string(), z.discriminatedUnion('Type', [task, choice, wait, succeed, fail])),
  TimeoutSeconds: z.number(),
  Comment: z.string(),
});
export type Machine = z.infer<typeof machine>;
