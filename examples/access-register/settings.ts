import type { Node } from 'constructs';
import * as z from 'zod';

/** Where the buses are, when they are in another account: values of CDK's context. */
const settings = z.object({ app1_bus_arn: z.string().optional(), app2_bus_arn: z.string().optional() });

/** Keys without a colon or a slash that CDK's own command line writes into the context. */
const CDK_KEYS = ['acknowledged-issue-numbers', 'cli-telemetry'];

/**
 * The settings. A misspelt one would be ignored, and the register would listen elsewhere.
 * @throws Error that names each key that is no setting
 */
export function readSettings(node: Node): { app1BusArn: string | undefined; app2BusArn: string | undefined } {
  const given = z.record(z.string(), z.unknown()).parse(node.getAllContext());
  const known = [...Object.keys(settings.shape), ...CDK_KEYS];
  const foreign = Object.keys(given).filter((key) => !known.includes(key) && !/[:/]/.test(key));
  if (foreign.length > 0)
    throw new Error(
      `Not settings of this app: ${foreign.join(', ')}. There are: ${Object.keys(settings.shape).join(', ')}.`,
    );
  const { app1_bus_arn: app1BusArn, app2_bus_arn: app2BusArn } = settings.parse(given);
  return { app1BusArn, app2BusArn };
}
