import { afterEach, beforeEach, jest } from '@jest/globals';
import * as z from 'zod';
import { logger } from '../../handlers/shared/logger.ts';

const line = z.record(z.string(), z.unknown());

/** Call at the top of a test file. Returns a function for the running test's log lines, as CloudWatch receives them. */
export function watchLogLines(): () => z.infer<typeof line>[] {
  let written: string[] = [];
  beforeEach(() => {
    written = [];
    logger.setLogLevel('INFO');
    for (const stream of [process.stdout, process.stderr])
      jest.spyOn(stream, 'write').mockImplementation((text) => {
        written.push(String(text));
        return true;
      });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    logger.setLogLevel('SILENT');
  });
  return () => written.map((text) => line.parse(JSON.parse(text)));
}

const metricLine = z.object({
  _aws: z.object({
    CloudWatchMetrics: z.array(z.object({ Metrics: z.array(z.object({ Name: z.string() })) })),
  }),
});

/** The names of the metrics in a line. */
export const measuredIn = (of: unknown): string[] =>
  metricLine.parse(of)._aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name));
