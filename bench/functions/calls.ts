import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { stepClient } from '../../handlers/shared/aws-clients.ts';

const CALLS = 100;
const command = new DescribeExecutionCommand({
  executionArn: 'arn:aws:states:us-east-1:123456789012:execution:M:e',
});

/** CPU time of this process since `start`, in milliseconds. */
function computingSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

/**
 * Prints the CPU time of a new AWS client with its first call, and that of each later call, in milliseconds. The calls go
 * to the endpoint in `AWS_ENDPOINT_URL`.
 */
async function main(): Promise<void> {
  const start = process.cpuUsage();
  const client = stepClient(SFNClient);
  await client.send(command);
  const first = computingSince(start);
  const startedAt = process.cpuUsage();
  for (let n = 0; n < CALLS; n += 1) await client.send(command);
  process.stdout.write(JSON.stringify({ first, further: computingSince(startedAt) / CALLS }));
}

void main();
