import { describe, expect, it } from '@jest/globals';
import { commandsIn } from '../support/documented.ts';
import { run } from './support/commands.ts';
import { startAll } from './support/concurrency.ts';

const commandsOf = (section: string): string => commandsIn('README.md', section).join('\n');

/** The local AWS of these tests runs already. */
const UP_AND_DOWN = /^npm run (up|down)$/gm;

/** Runs the commands of a section; two sections can run at the same time. */
const runSection = (section: string) => run(commandsOf(section).replace(UP_AND_DOWN, ''));
const walkThrough = 'Walk through it';
const whatWentWrong = 'Find out what went wrong';
const resultOf = startAll({
  [walkThrough]: () => runSection(walkThrough),
  [whatWentWrong]: () => runSection(whatWentWrong),
});

describe('README.md', () => {
  it.each([walkThrough, whatWentWrong])('starts and stops the local AWS in the section %s', (section) => {
    expect(commandsOf(section).match(UP_AND_DOWN)).toEqual(['npm run up', 'npm run down']);
  });

  it('has a walk-through that works as written', async () => {
    const { stdout, stderr } = await resultOf(walkThrough);
    const dropped = /Deleted the record of arn:\S+:ProvisionServiceUser:\S+\n/;

    expect(stdout).toMatch(dropped);

    const responses = stdout
      .replace(dropped, '\n')
      .trim()
      .replaceAll('}{', '}\n{')
      .split('\n')
      .map((line): unknown => JSON.parse(line));

    expect({ responses, stderr }).toEqual({
      responses: [
        expect.objectContaining({ status: 'SUCCEEDED', user: 'present', username: 'ada' }),
        { username: 'ada', received: { greeting: 'hello' } },
        // The compensation can take longer than the caller waits: both statuses are correct.
        expect.objectContaining({ status: expect.stringMatching(/^(RUNNING|FAILED)$/) }),
        expect.objectContaining({ status: 'SUCCEEDED', user: 'absent', username: 'ada' }),
        expect.objectContaining({ status: 404, code: 'NOT_FOUND' }),
      ],
      stderr: '',
    });
  });

  it('shows by the command line alone what failed, why, what is left behind, and what to do', async () => {
    const { status, stdout } = await resultOf(whatWentWrong);

    expect(status).toBe(0);

    const [created = '', rejected = '', failed = '', ...rest] = stdout.split(
      /^(?=[✔✖] (?:SUCCEEDED|FAILED))/m,
    );

    expect(created).toContain('✔ SUCCEEDED');
    for (const card of [rejected, failed]) {
      expect(card).toMatch(/failed at +RequestUserCreation at app2\n/);
      expect(card).toMatch(/why +USER_ALREADY_EXISTS: /);
      expect(card).toMatch(/left behind +nothing\n/);
      expect(card).toMatch(/what to do +Choose another username/);
    }
    expect(rejected).toContain('exit status 1\n');

    const all = rest.join('') + failed;

    expect(all).toContain('app2 CreateServiceUser\n');
    expect(all).toMatch(/^\d+ ok, \d+ failed, 0 not checked$/m);
  });
});
