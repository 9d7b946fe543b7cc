import { describe, expect, it } from '@jest/globals';
import { commandsIn } from '../support/documented.ts';
import { run } from './support/commands.ts';
import { startAll } from './support/concurrency.ts';

const commandsOf = (section: string): string => commandsIn('README.md', section).join('\n');

/** These tests have their own local AWS up already. */
const UP_AND_DOWN = /^npm run (up|down)$/gm;

/** Types what a section says; two readers can do so at once. */
const typed = (section: string) => run(commandsOf(section).replace(UP_AND_DOWN, ''));
const walkThrough = 'Walk through it';
const whatWentWrong = 'Find out what went wrong';
const ended = startAll({
  [walkThrough]: () => typed(walkThrough),
  [whatWentWrong]: () => typed(whatWentWrong),
});

describe('README.md', () => {
  it.each([walkThrough, whatWentWrong])('brings the local AWS up and takes it down: %s', (section) => {
    expect(commandsOf(section).match(UP_AND_DOWN)).toEqual(['npm run up', 'npm run down']);
  });

  it('has a walk-through that works as it is written', async () => {
    const { stdout, stderr } = await ended(walkThrough);
    const dropped = /Dropped the record of arn:\S+:ProvisionServiceUser:\S+\n/;
    expect(stdout).toMatch(dropped);
    const answers = stdout
      .replace(dropped, '\n')
      .trim()
      .replaceAll('}{', '}\n{')
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect({ answers, stderr }).toEqual({
      answers: [
        expect.objectContaining({ status: 'SUCCEEDED', user: 'present', username: 'ada' }),
        { username: 'ada', received: { greeting: 'hello' } },
        // Undoing takes longer than a caller can wait: either answer is right.
        expect.objectContaining({ status: expect.stringMatching(/^(RUNNING|FAILED)$/) }),
        expect.objectContaining({ status: 'SUCCEEDED', user: 'absent', username: 'ada' }),
        expect.objectContaining({ status: 404, code: 'NOT_FOUND' }),
      ],
      stderr: '',
    });
  });

  it('tells with the command line alone what failed, why, what is left behind, and what to do', async () => {
    const { status, stdout } = await ended(whatWentWrong);

    expect(status).toBe(0);
    const [made = '', refused = '', failed = '', ...rest] = stdout.split(/^(?=[✔✖] (?:SUCCEEDED|FAILED))/m);
    expect(made).toContain('✔ SUCCEEDED');
    for (const card of [refused, failed]) {
      expect(card).toMatch(/failed at +RequestUserCreation\n/);
      expect(card).toMatch(/why +USER_ALREADY_EXISTS: /);
      expect(card).toMatch(/left behind +nothing\n/);
      expect(card).toMatch(/what to do +Choose another username/);
    }
    expect(refused).toContain('exit status 1\n');
    const all = rest.join('') + failed;
    expect(all).toContain('app2 CreateServiceUser\n');
    expect(all).toMatch(/^\d+ ok, \d+ failed, 0 not checked$/m);
  });
});
