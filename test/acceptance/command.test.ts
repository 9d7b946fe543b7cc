import { describe, expect, it } from '@jest/globals';
import { allChecks, stages } from '../../acceptance/checks.ts';
import { acceptance } from '../../acceptance/command.ts';
import { segmentNames } from '../../acceptance/x-ray.ts';
import { connect } from '../../cli/connect.ts';
import { fakeClock } from '../support/clock.ts';

/** The command line without calls to AWS, and the table of checks. */

async function run(...args: string[]) {
  const output = { out: '', err: '' };
  const status = await acceptance(args, {
    terminal: {
      out: (text) => {
        output.out += text;
      },
      err: (text) => {
        output.err += text;
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
  return { status, ...output };
}

describe('npm run acceptance', () => {
  it('lists the checks without those of --full', async () => {
    const { status, out } = await run('--list');

    expect(status).toBe(0);
    expect(out).toContain('removal/delete: DELETE removes the user');
    expect(out).not.toContain('operations/');
  });

  it('lists all checks with --full', async () => {
    const { out } = await run('--list', '--full');

    expect(out.trim().split('\n')).toHaveLength(allChecks.length);
  });

  it('selects checks by the start of their names, also those of --full', async () => {
    const { out } = await run('--list', '--only', 'operations/rotation', 'health');

    expect(out.split('\n').map((line) => line.split(':')[0])).toEqual([
      'health/doctor',
      'operations/rotation',
      '',
    ]);
  });

  it('fails when no check has the name', async () => {
    expect(await run('--only', 'nothing')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--full --list'),
    });
  });
});

describe('allChecks', () => {
  it('contains unique names of an area and a subject', () => {
    const names = allChecks.map(({ name }) => name);

    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
  });

  it('contains one sentence as the claim of each check', () => {
    for (const { claim } of allChecks) expect(claim).toMatch(/^[A-Z`].*\.$/);
  });

  it('verifies signals after all other checks', () => {
    expect(stages.at(-1)?.every(({ name }) => name.startsWith('signals/'))).toBe(true);
  });
});

describe('segmentNames', () => {
  it('reads the names from the documents in a response of X-Ray', () => {
    const segment = (name: string) => ({ Id: name, Document: JSON.stringify({ name, id: '1' }) });
    const response = {
      Traces: [{ Id: '1-a', Segments: [segment('app1-call-target'), segment('app2-create-user')] }],
    };

    expect(segmentNames(response)).toEqual(['app1-call-target', 'app2-create-user']);
    expect(segmentNames({ UnprocessedTraceIds: ['1-a'] })).toEqual([]);
  });
});
