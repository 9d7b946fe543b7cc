import { paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { system } from './deployed.ts';

/** What a function has logged of a provisioning, as JSON; lines of Lambda itself are none. */
export async function logLines(functionName: string, provisioningId: string): Promise<unknown[]> {
  const lines: unknown[] = [];
  const asked = { logGroupName: `/aws/lambda/${functionName}`, filterPattern: `"${provisioningId}"` };
  for await (const { events = [] } of paginateFilterLogEvents({ client: system.clients.logs }, asked))
    lines.push(...events.map(({ message = '' }) => parsed(message)));
  return lines;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
