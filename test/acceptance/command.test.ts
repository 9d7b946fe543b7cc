import { describe, expect, it } from '@jest/globals';
import { allChecks, stages } from '../../acceptance/checks.ts';
import { acceptance } from '../../acceptance/command.ts';
import { segmentNames } from '../../acceptance/x-ray.ts';
import { connect } from '../../cli/connect.ts';
import { fakeClock } from '../support/clock.ts';

/** The command line, as far as it asks no AWS; and the table of checks. */

async function run(...args: string[]) {
  const shown = { out: '', err: '' };
  const status = await acceptance(args, {
    terminal: {
      out: (text) => {
        shown.out += text;
      },
      err: (text) => {
        shown.err += text;
      },
      progress: () => ({ update: () => undefined, stop: () => undefined }),
      readInput: async () => Buffer.from(''),
      promptSecret: undefined,
    },
    clock: fakeClock(),
    connect,
    environment: {},
    interrupted: new AbortController().signal,
  });
  return { status, ...shown };
}

describe('npm run acceptance', () => {
  it('lists what it would check, without what is only for --full', async () => {
    const { status, out } = await run('--list');

    expect(status).toBe(0);
    expect(out).toContain('removal/delete: DELETE removes the user');
    expect(out).not.toContain('operations/');
  });

  it('lists all with --full', async () => {
    const { out } = await run('--list', '--full');

    expect(out.trim().split('\n')).toHaveLength(allChecks.length);
  });

  it('runs some by the begin of their names, also those of --full', async () => {
    const { out } = await run('--list', '--only', 'operations/rotation', 'health');

    expect(out.split('\n').map((line) => line.split(':')[0])).toEqual([
      'health/doctor',
      'operations/rotation',
      '',
    ]);
  });

  it('says so when no check is called so', async () => {
    expect(await run('--only', 'nothing')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--full --list'),
    });
  });
});

describe('checks', () => {
  it('have names of their own, by area', () => {
    const names = allChecks.map(({ name }) => name);

    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
  });

  it('claim one thing each, in a sentence', () => {
    for (const { claim } of allChecks) expect(claim).toMatch(/^[A-Z`].*\.$/);
  });

  it('look at signals when everything has happened that they tell of', () => {
    expect(stages.at(-1)?.every(({ name }) => name.startsWith('signals/'))).toBe(true);
  });
});

describe('segmentNames', () => {
  it('reads the names out of the documents of an answer of X-Ray', () => {
    const segment = (name: string) => ({ Id: name, Document: JSON.stringify({ name, id: '1' }) });
    const answer = {
      Traces: [{ Id: '1-a', Segments: [segment('app1-call-app2'), segment('app2-create-user')] }],
    };

    expect(segmentNames(answer)).toEqual(['app1-call-app2', 'app2-create-user']);
    expect(segmentNames({ UnprocessedTraceIds: ['1-a'] })).toEqual([]);
  });
});
