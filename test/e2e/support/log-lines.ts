import { paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { system } from './deployed.ts';

/** Log lines of a function about a provisioning, as JSON; `undefined` in place of a line of Lambda itself. */
export async function logLines(functionName: string, provisioningId: string): Promise<unknown[]> {
  const lines: unknown[] = [];
  const filter = { logGroupName: `/aws/lambda/${functionName}`, filterPattern: `"${provisioningId}"` };
  for await (const { events = [] } of paginateFilterLogEvents({ client: system.clients.logs }, filter))
    lines.push(...events.map(({ message = '' }) => parseJson(message)));
  return lines;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
