import * as z from 'zod';

/**
 * Reads a function's environment variables against its schema.
 * @throws Error at the start of the function, naming every variable that is missing or wrong (never a value).
 */
export function readEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  variables: NodeJS.ProcessEnv = process.env,
): z.infer<Schema> {
  const result = schema.safeParse(variables);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`The function's environment is not complete. ${wrong.join('; ')}`);
}

/** Which bus a function watches. */
export const monitoredBus = z.object({
  EVENT_BUS_NAME: z.string().min(1),
  /** The rule that sends every event to the log. */
  LOG_RULE_NAME: z.string().min(1),
});
export type MonitoredBus = z.infer<typeof monitoredBus>;

/** Table of the sweep: its high-water marks, and the outcomes that are known to be clean. */
export const sweepTable = z.object({ SWEEP_TABLE: z.string().min(1) });

/** What the sweep needs beside its table. */
export const sweeping = z.object({
  ...sweepTable.shape,
  /** How many executions it may describe per second: its share of the account's quota. */
  DESCRIBES_PER_SECOND: z.string().transform(Number).pipe(z.number().positive()),
});
