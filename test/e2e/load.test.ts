import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { settings } from '../../cli/support/paths.ts';
import { newRequest, provision, start, waitForCompletion } from './support/deployed.ts';

/** Number of Node processes of the functions, and the memory of these and of the emulator, in bytes. */
function processes(): { functions: number; memory: number } {
  const lines = execFileSync('ps', ['-eo', 'rss=,args='], { encoding: 'utf8', maxBuffer: 10_000_000 }).split(
    '\n',
  );
  const functions = lines.filter(
    (line) => line.includes(join(settings().directory, 'tmp')) && line.includes('_worker.js'),
  );
  const emulator = lines.filter((line) => line.includes('serve.py'));
  const memory = [...functions, ...emulator].reduce(
    (sum, line) => sum + Number(/^\s*(\d+)/.exec(line)?.[1] ?? 0),
    0,
  );
  return { functions: functions.length, memory: memory * 1024 };
}

describe('fifty concurrent provisionings', () => {
  it('succeed with at most 40 function processes and 4 GB', async () => {
    const maximum = { functions: 0, memory: 0 };
    const watch = setInterval(() => {
      const now = processes();
      maximum.functions = Math.max(maximum.functions, now.functions);
      maximum.memory = Math.max(maximum.memory, now.memory);
    }, 500);

    try {
      const ids = await Promise.all(Array.from({ length: 50 }, () => start(newRequest())));
      const all = await Promise.all(ids.map((id) => waitForCompletion(id, 120_000)));
      expect(all.filter(({ status }) => status === 'SUCCEEDED')).toHaveLength(50);
    } finally {
      clearInterval(watch);
    }

    expect(maximum.functions).toBeGreaterThan(0);
    expect(maximum.functions).toBeLessThanOrEqual(40);
    expect(maximum.memory).toBeLessThan(4 * 1024 ** 3);
  });
});

describe('sequential provisionings', () => {
  it('take at most 1.5 s from POST to SUCCEEDED at the median', async () => {
    await provision(newRequest());
    const durations: number[] = [];
    for (let n = 0; n < 11; n += 1) {
      const startedAt = Date.now();
      const { stopped_at = '' } = await provision(newRequest());
      durations.push(Date.parse(stopped_at) - startedAt);
    }
    const median = durations.sort((a, b) => a - b)[5] ?? Number.POSITIVE_INFINITY;
    process.stdout.write(`POST to SUCCEEDED, warm: p50 ${median} ms of ${durations.join(', ')} ms\n`);

    expect(median).toBeLessThanOrEqual(1_500);
  });
});
