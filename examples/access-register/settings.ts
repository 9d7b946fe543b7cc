import type { Node } from 'constructs';
import * as z from 'zod';

/** ARNs of the buses in another account: values of CDK's context. */
const settings = z.object({ app1_bus_arn: z.string().optional(), app2_bus_arn: z.string().optional() });

/** Keys without a colon or a slash that the CDK CLI writes into the context. */
const CDK_KEYS = ['acknowledged-issue-numbers', 'cli-telemetry'];

/**
 * Reads the settings. It rejects unknown keys: with a misspelt setting, the register would subscribe to the wrong bus.
 * @throws Error that names each unknown key
 */
export function readSettings(node: Node): { app1BusArn: string | undefined; app2BusArn: string | undefined } {
  const given = z.record(z.string(), z.unknown()).parse(node.getAllContext());
  const known = [...Object.keys(settings.shape), ...CDK_KEYS];
  const unknownKeys = Object.keys(given).filter((key) => !known.includes(key) && !/[:/]/.test(key));
  if (unknownKeys.length > 0)
    throw new Error(
      `Not settings of this app: ${unknownKeys.join(', ')}. Settings are: ${Object.keys(settings.shape).join(', ')}.`,
    );
  const { app1_bus_arn: app1BusArn, app2_bus_arn: app2BusArn } = settings.parse(given);
  return { app1BusArn, app2BusArn };
}
