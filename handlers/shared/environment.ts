import * as z from 'zod';

/**
 * Parses a function's environment variables with its schema.
 * @throws Error with the names of all missing and invalid variables, never with a value
 */
export function readEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  variables: NodeJS.ProcessEnv = process.env,
): z.infer<Schema> {
  const result = schema.safeParse(variables);
  if (result.success) return result.data;
  const invalid = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`The function's environment is not valid. ${invalid.join('; ')}`);
}

/** The bus that a function monitors. */
export const monitoredBus = z.object({
  EVENT_BUS_NAME: z.string().min(1),
  /** The rule that delivers every event to the log. */
  LOG_RULE_NAME: z.string().min(1),
});
export type MonitoredBus = z.infer<typeof monitoredBus>;

/** Table of the sweep: its high-water marks, and the executions with clean outcomes. */
export const sweepTable = z.object({ SWEEP_TABLE: z.string().min(1) });

/** Variables of the sweep. */
export const sweepVariables = z.object({
  ...sweepTable.shape,
  /** Rate of DescribeExecution calls: the sweep's share of the account's quota. */
  DESCRIBES_PER_SECOND: z.string().transform(Number).pipe(z.number().positive()),
});
