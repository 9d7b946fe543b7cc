import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CommandError } from '../../cli/support/command-error.ts';
import { exclusively } from '../../local/lock.ts';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'lock-'));

/** A promise that the test resolves. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('exclusively', () => {
  it('runs two functions one after the other', async () => {
    const directory = await folder();
    const { opened, open } = gate();
    const steps: string[] = [];
    const first = exclusively(directory, async () => {
      steps.push('first starts');
      await opened;
      steps.push('first ends');
    });
    const second = exclusively(directory, async () => void steps.push('second'));

    open();
    await Promise.all([first, second]);

    expect(steps.join()).toMatch(/^(second,)?first starts,first ends(,second)?$/);
    expect(steps).toHaveLength(3);
  });

  it('rejects the second function while the first one runs if it cannot wait', async () => {
    const directory = await folder();
    const heldError = new CommandError('Another process holds the lock.', 'Wait.');
    const { opened, open } = gate();
    const started = gate();
    const first = exclusively(directory, async () => {
      started.open();
      await opened;
    });
    await started.opened;

    await expect(exclusively(directory, async () => 'second', { heldError })).rejects.toBe(heldError);

    open();
    await first;

    expect(await exclusively(directory, async () => 'third', { heldError })).toBe('third');
  });

  it('releases the lock when the function fails', async () => {
    const directory = await folder();
    const failing = exclusively(directory, () => Promise.reject(new Error('broken')));

    await expect(failing).rejects.toThrow('broken');
    expect(await exclusively(directory, async () => 'next')).toBe('next');
  });
});
