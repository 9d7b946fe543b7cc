import { describe, expect, it } from '@jest/globals';
import type { Check } from '../../acceptance/check.ts';
import { cleanupRegistry } from '../../acceptance/cleanup.ts';
import { runChecks } from '../../acceptance/run.ts';
import { assert, NotApplicable } from '../../acceptance/verdict.ts';

/** How checks are run, told of and cleaned up after. */

type System = ReturnType<typeof systemWith>;

/** A system in which nothing is deployed: what was made is a list. */
function systemWith(pool: Record<string, object> = {}) {
  const said: string[] = [];
  return {
    cleanup: cleanupRegistry(),
    names: Object.keys(pool),
    poolUser: async (name: string) =>
      name in pool ? { status: 'CONFIRMED' as const, enabled: true, attributes: {}, groups: [] } : undefined,
    progress: { update: (text: string) => void said.push(text), stop: () => undefined },
    said,
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
  it('tells of each check what it claims and what it saw, and counts the clean-up', async () => {
    const { counts, output } = await run([[passes]]);

    expect(output).toBe(
      '✔ a/passes: It passes. (0.0 s)\n    all is well\n' +
        '✔ cleanup: Nothing that the run has made is left. (0.0 s)\n    0 removed.\n',
    );
    expect(counts).toEqual({ passed: 2, failed: 0, notApplicable: 0 });
  });

  it('goes on after a check that fails, and says what it saw instead', async () => {
    const { counts, output } = await run([[fails, passes]]);

    expect(output).toContain('✘ a/fails: It fails. (0.0 s)\n    the pool has no user\n');
    expect(output).toContain('✔ a/passes');
    expect(counts).toMatchObject({ passed: 2, failed: 1 });
  });

  it('takes what nobody foresaw for a failure, and says what it was', async () => {
    const broken: Check<System> = { ...fails, run: () => Promise.reject(new TypeError('no such thing')) };
    const { counts, output } = await run([[broken]]);

    expect(output).toContain('TypeError: no such thing');
    expect(counts).toMatchObject({ failed: 1 });
  });

  it('counts what cannot be decided neither way', async () => {
    const undecided: Check<System> = {
      ...fails,
      run: () => Promise.reject(new NotApplicable('tracing is off')),
    };
    const { counts, output } = await run([[undecided]]);

    expect(output).toContain('– a/fails: It fails. (0.0 s)\n    Not checked: tracing is off.\n');
    expect(counts).toEqual({ passed: 1, failed: 0, notApplicable: 1 });
  });

  it('begins with a stage when the one before has ended', async () => {
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

  it('takes away what was made, also when a check has failed', async () => {
    const taken: string[] = [];
    const makes: Check<System> = {
      ...fails,
      run: async (system) => {
        system.cleanup.add({ description: 'a queue', remove: async () => taken.push('queue') });
        assert(false, 'it was told of nothing');
      },
    };
    const { output } = await run([[makes]]);

    expect(taken).toEqual(['queue']);
    expect(output).toContain('1 removed.');
  });

  it('fails when something could not be taken away, and says what and why', async () => {
    const system = systemWith();
    system.cleanup.add({ description: 'the queue q', remove: () => Promise.reject(new Error('no right')) });
    const { counts, output } = await run([[passes]], system);

    expect(output).toContain('✘ cleanup');
    expect(output).toContain('Left behind: the queue q (Error: no right)');
    expect(counts.failed).toBe(1);
  });

  it('fails when the pool still has a user that was requested', async () => {
    const { counts, output } = await run([[passes]], systemWith({ 'acceptance-1': {} }));

    expect(output).toContain('Left behind: the pool has the user acceptance-1');
    expect(counts.failed).toBe(1);
  });

  it('fails when it cannot be seen whether the pool has a user', async () => {
    const blind = {
      ...systemWith({ 'acceptance-1': {} }),
      poolUser: () => Promise.reject(new Error('no right')),
    };
    const { counts, output } = await run([[passes]], blind);

    expect(output).toContain('whether the pool has the user acceptance-1 is not known: Error: no right');
    expect(counts.failed).toBe(1);
  });

  it('begins no check after an interrupt, tells of none that it has broken off, and cleans up', async () => {
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
  it('begins with all of them before it waits for the first, last made first', async () => {
    const order: string[] = [];
    const left = cleanupRegistry();
    for (const description of ['first', 'second'])
      left.add({
        description,
        startRemoval: async () => order.push(`begin ${description}`),
        remove: async () => order.push(`end ${description}`),
      });

    expect(await left.run(() => undefined)).toEqual({ removed: 2, left: [] });
    expect(order).toEqual(['begin second', 'begin first', 'end second', 'end first']);
  });

  it('has nothing to do with what was found not to be there', async () => {
    const left = cleanupRegistry();
    left.add({ description: 'a user', remove: () => Promise.reject(new Error('never made')) })();

    expect(await left.run(() => undefined)).toEqual({ removed: 0, left: [] });
  });

  it('goes on when one cannot be taken away', async () => {
    const left = cleanupRegistry();
    const taken: string[] = [];
    left.add({ description: 'first', remove: async () => taken.push('first') });
    left.add({
      description: 'second',
      startRemoval: () => Promise.reject(new Error('at first')),
      remove: () => Promise.reject(new Error('busy')),
    });

    expect(await left.run(() => undefined)).toEqual({ removed: 1, left: ['second (Error: busy)'] });
    expect(taken).toEqual(['first']);
  });
});
