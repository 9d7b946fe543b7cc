import { describe, expect, it, jest } from '@jest/globals';
import { main as redrive } from '../../cli/redrive.ts';
import { main as replay } from '../../cli/replay.ts';
import { problemBody } from '../../contracts/problems.ts';
import { world } from './support/world.ts';

/** What is wrong with the value of an option that every command has is said as for any other option: usage, not a fault. */

const wrong: [option: string, value: string, said: string][] = [
  ['--region', 'eu central 1', 'must be a region like eu-central-1'],
  ['--region', 'eu-central-1.attacker.example/', 'must be a region like eu-central-1'],
  ['--region', '', 'must be a region like eu-central-1'],
  ['--region', 'EU-CENTRAL-1', 'must be a region like eu-central-1'],
  ['--profile', '', 'must be the name of a profile'],
  ['--profile', 'two\nlines', 'must be the name of a profile'],
  ['--profile', 'a]', 'must be the name of a profile'],
  ['--api-url', 'nowhere', 'must be an address'],
  ['--api-url', '', 'must be an address'],
  ['--api-url', 'ftp://api.example', 'must be an address'],
  ['--api-url', 'file:///etc/passwd', 'must be an address'],
  ['--api-url', 'https://user:secret@api.example', 'without a user'],
  ['--api-url', 'https://api.example?x=1', 'without a user, a query'],
];

describe('the value of an option of every command', () => {
  it.each(wrong)('%s %j is wrong usage', async (option, value, said) => {
    const typed = world();

    await expect(typed.run('doctor', option, value)).resolves.toBe(2);
    expect(typed.shown.err).toContain(said);
    if (value !== '') expect(typed.shown.err).not.toContain(value);
    expect(typed.sent).toEqual([]);
  });

  it.each(wrong)('%s %j is wrong usage in JSON, too', async (option, value, said) => {
    const typed = world();

    await expect(typed.run('list', '--json', option, value)).resolves.toBe(2);
    expect(typed.answer()).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining(said) },
    });
  });

  it.each([
    'eu-central-1',
    'us-gov-west-1',
    'us-iso-east-1',
    'eusc-de-east-1',
    'ap-southeast-7',
    'cn-north-1',
  ])('the region %s is one', async (region) => {
    const typed = world({ answers: [[404, { code: 'NOT_FOUND' }]] });
    await typed.run('status', '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01', '--region', region);
    expect(typed.sent).toHaveLength(1);
  });
});

describe('what is proposed', () => {
  const options = ['--profile', 'app1 operator', '--region', 'eu-central-1'];
  const asTyped = "--profile 'app1 operator' --region eu-central-1";

  it.each([
    ['list', 'an id is unknown', [404, problemBody('NOT_FOUND')]],
    ['doctor', 'the answer is not one of App1', [200, '<html>']],
    ['doctor', 'the refusal is not one of App1', [502, '<html>']],
  ] as const)('asks the same system: %s, when %s', async (command, _when, [status, body]) => {
    const typed = world({ answers: [[status, body]] });

    await typed.run('status', '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01', ...options);
    expect(typed.shown.err).toContain(`npx provision ${command} ${asTyped}`);
  });
});

describe('the other tools', () => {
  const said = () => {
    let text = '';
    jest.spyOn(process.stderr, 'write').mockImplementation((part) => {
      text += String(part);
      return true;
    });
    return () => text;
  };

  it.each([
    ['redrive', redrive, ['app1', '--region', 'eu central 1'], 'must be a region'],
    ['redrive', redrive, ['app1', '--profile', ''], 'must be the name of a profile'],
    ['redrive', redrive, [], "missing required argument 'queue'"],
    ['replay', replay, ['app1', '--from', 'now', '--to', 'then'], 'must be a time'],
    [
      'replay',
      replay,
      ['app1', '--from', '2026-01-02T00:00:00Z', '--to', '2026-01-01T00:00:00Z'],
      '--from is not before --to',
    ],
    ['replay', replay, ['app3', '--from', '2026-01-02T00:00:00Z', '--to', '2026-01-03T00:00:00Z'], 'app1'],
  ])('%s says what is wrong with %s', async (_name, main, args, message) => {
    const text = said();
    await expect(main(args)).resolves.toBe(2);
    expect(text()).toContain(message);
    jest.restoreAllMocks();
  });
});
