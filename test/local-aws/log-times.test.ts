import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from '@jest/globals';
import { client } from './support/clients.ts';
import { createFunction, invoke } from './support/functions.ts';
import { present } from './support/present.ts';

const logs = client(CloudWatchLogsClient);

describe('corrected: times of log lines', () => {
  // lambda/latest/dg/monitoring-cloudwatchlogs
  it('are the times at which the function wrote them, also in a long invocation', async () => {
    const arn = await createFunction(`
      const line = (text) => console.log(JSON.stringify({ timestamp: new Date().toISOString(), text }));
      exports.handler = async () => {
        line('first');
        await new Promise((resolve) => setTimeout(resolve, 300));
        console.log('not JSON');
        line('last');
      }`);
    await invoke(arn);

    const { events = [] } = await logs.send(
      new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${arn.split(':').at(-1)}` }),
    );
    const at = (text: string) =>
      present(present(events.find(({ message }) => message?.includes(text))).timestamp);

    expect(events.map(({ message }) => message?.split(' ')[0])).toEqual([
      'START',
      expect.stringContaining('first'),
      'not',
      expect.stringContaining('last'),
      'END',
      'REPORT',
    ]);
    expect(at('last') - at('first')).toBeGreaterThanOrEqual(300);
    expect(at('not JSON')).toBe(at('first'));
  });
});
