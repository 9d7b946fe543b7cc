import { describe, expect, it } from '@jest/globals';
import type { Check } from '../../acceptance/check.ts';
import { cleanupRegistry } from '../../acceptance/cleanup.ts';
import { runChecks } from '../../acceptance/run.ts';
import { assert, NotApplicable } from '../../acceptance/verdict.ts';

type System = ReturnType<typeof systemWith>;

/** A system without a deployment, for the runner. */
function systemWith(pool: Record<string, object> = {}) {
  const updates: string[] = [];
  return {
    cleanup: cleanupRegistry(),
    names: Object.keys(pool),
    poolUser: async (name: string) =>
      name in pool ? { status: 'CONFIRMED' as const, enabled: true, attributes: {}, groups: [] } : undefined,
    progress: { update: (text: string) => void updates.push(text), stop: () => undefined },
    updates,
  };
}

const passes: Check<System> = { name: 'a/passes', claim: 'It passes.', run: async () => 'all is well' };
const fails: Check<System> = {
  name: 'a/fails',
  claim: 'It fails.',
  run: async () => {
    assert(false, 'the pool has no user');
  },
};

async function run(stages: Check<System>[][], system = systemWith(), interrupt = new AbortController()) {
  let output = '';
  const terminal = {
    out: (text: string) => {
      output += text;
    },
  };
  const counts = await runChecks(stages, system, { terminal, now: () => 0, interrupted: interrupt.signal });
  return { counts, output, system };
}

describe('runChecks', () => {
  it('prints the claim and the evidence of each check, and counts the cleanup', async () => {
    const { counts, output } = await run([[passes]]);

    expect(output).toBe(
      '✔ a/passes: It passes. (0.0 s)\n    all is well\n' +
        '✔ cleanup: Every resource of the run is removed. (0.0 s)\n    0 removed.\n',
    );
    expect(counts).toEqual({ passed: 2, failed: 0, notApplicable: 0 });
  });

  it('continues after a failed check, and prints what it found', async () => {
    const { counts, output } = await run([[fails, passes]]);

    expect(output).toContain('✘ a/fails: It fails. (0.0 s)\n    the pool has no user\n');
    expect(output).toContain('✔ a/passes');
    expect(counts).toMatchObject({ passed: 2, failed: 1 });
  });

  it('counts an unexpected error as a failure, and prints it', async () => {
    const broken: Check<System> = { ...fails, run: () => Promise.reject(new TypeError('no such thing')) };
    const { counts, output } = await run([[broken]]);

    expect(output).toContain('TypeError: no such thing');
    expect(counts).toMatchObject({ failed: 1 });
  });

  it('counts a check that is not applicable separately', async () => {
    const undecided: Check<System> = {
      ...fails,
      run: () => Promise.reject(new NotApplicable('tracing is off')),
    };
    const { counts, output } = await run([[undecided]]);

    expect(output).toContain('– a/fails: It fails. (0.0 s)\n    Not checked: tracing is off.\n');
    expect(counts).toEqual({ passed: 1, failed: 0, notApplicable: 1 });
  });

  it('starts a stage when the previous one has finished', async () => {
    const order: string[] = [];
    const noting = (name: string, ticks: number): Check<System> => ({
      ...passes,
      name,
      run: async () => {
        for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
        order.push(name);
        return '';
      },
    });
    await run([[noting('slow', 50), noting('quick', 1)], [noting('last', 1)]]);

    expect(order).toEqual(['quick', 'slow', 'last']);
  });

  it('removes all resources, also when a check has failed', async () => {
    const removed: string[] = [];
    const creates: Check<System> = {
      ...fails,
      run: async (system) => {
        system.cleanup.add({ description: 'a queue', remove: async () => removed.push('queue') });
        assert(false, 'it received nothing');
      },
    };
    const { output } = await run([[creates]]);

    expect(removed).toEqual(['queue']);
    expect(output).toContain('1 removed.');
  });

  it('fails when a resource could not be removed, and prints the reason', async () => {
    const system = systemWith();
    system.cleanup.add({
      description: 'the queue q',
      remove: () => Promise.reject(new Error('no permission')),
    });
    const { counts, output } = await run([[passes]], system);

    expect(output).toContain('✘ cleanup');
    expect(output).toContain('Left behind: the queue q (Error: no permission)');
    expect(counts.failed).toBe(1);
  });

  it('fails when the pool still has a requested user', async () => {
    const { counts, output } = await run([[passes]], systemWith({ 'acceptance-1': {} }));

    expect(output).toContain('Left behind: the pool has the user acceptance-1');
    expect(counts.failed).toBe(1);
  });

  it('fails when the pool cannot be read', async () => {
    const unreadable = {
      ...systemWith({ 'acceptance-1': {} }),
      poolUser: () => Promise.reject(new Error('no permission')),
    };
    const { counts, output } = await run([[passes]], unreadable);

    expect(output).toContain(
      'it is not known whether the pool has the user acceptance-1: Error: no permission',
    );
    expect(counts.failed).toBe(1);
  });

  it('starts no check after an interrupt, reports no interrupted check, and cleans up', async () => {
    const interrupt = new AbortController();
    const taken: string[] = [];
    const interrupted: Check<System> = {
      ...passes,
      run: async (system) => {
        system.cleanup.add({ description: 'a user', remove: async () => taken.push('user') });
        interrupt.abort();
        throw new Error('interrupted');
      },
    };
    const { output } = await run([[interrupted], [fails]], systemWith(), interrupt);

    expect(output).not.toContain('a/');
    expect(output).toContain('✔ cleanup');
    expect(taken).toEqual(['user']);
  });
});

describe('cleanupRegistry', () => {
  it('starts all removals before it waits for the first, latest first', async () => {
    const order: string[] = [];
    const registry = cleanupRegistry();
    for (const description of ['first', 'second'])
      registry.add({
        description,
        startRemoval: async () => order.push(`start ${description}`),
        remove: async () => order.push(`finish ${description}`),
      });

    expect(await registry.run(() => undefined)).toEqual({ removed: 2, remaining: [] });
    expect(order).toEqual(['start second', 'start first', 'finish second', 'finish first']);
  });

  it('does not remove an unregistered resource', async () => {
    const registry = cleanupRegistry();
    registry.add({ description: 'a user', remove: () => Promise.reject(new Error('not created')) })();

    expect(await registry.run(() => undefined)).toEqual({ removed: 0, remaining: [] });
  });

  it('continues when a removal fails', async () => {
    const registry = cleanupRegistry();
    const taken: string[] = [];
    registry.add({ description: 'first', remove: async () => taken.push('first') });
    registry.add({
      description: 'second',
      startRemoval: () => Promise.reject(new Error('at first')),
      remove: () => Promise.reject(new Error('throttled')),
    });

    expect(await registry.run(() => undefined)).toEqual({
      removed: 1,
      remaining: ['second (Error: throttled)'],
    });
    expect(taken).toEqual(['first']);
  });
});
