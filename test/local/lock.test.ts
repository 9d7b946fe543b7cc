import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CommandError } from '../../cli/support/command-error.ts';
import { exclusively } from '../../local/lock.ts';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'lock-'));

/** A promise that is settled from outside. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('Two that must not run at once in one folder', () => {
  it('run one after the other', async () => {
    const directory = await folder();
    const { opened, open } = gate();
    const seen: string[] = [];
    const first = exclusively(directory, async () => {
      seen.push('first begins');
      await opened;
      seen.push('first ends');
    });
    const second = exclusively(directory, async () => void seen.push('second'));
    open();
    await Promise.all([first, second]);
    expect(seen.join()).toMatch(/^(second,)?first begins,first ends(,second)?$/);
    expect(seen).toHaveLength(3);
  });

  it('are refused when the second one cannot wait, and only as long as the first one runs', async () => {
    const directory = await folder();
    const busy = new CommandError('Somebody is at it.', 'Wait.');
    const { opened, open } = gate();
    const begun = gate();
    const first = exclusively(directory, async () => {
      begun.open();
      await opened;
    });
    await begun.opened;
    await expect(exclusively(directory, async () => 'second', { busy })).rejects.toBe(busy);
    open();
    await first;
    expect(await exclusively(directory, async () => 'third', { busy })).toBe('third');
  });

  it('give the lock back when what runs fails', async () => {
    const directory = await folder();
    const failing = exclusively(directory, () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
    expect(await exclusively(directory, async () => 'next')).toBe('next');
  });
});
