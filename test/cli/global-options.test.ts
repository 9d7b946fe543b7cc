import { describe, expect, it, jest } from '@jest/globals';
import { main as redrive } from '../../cli/redrive.ts';
import { main as replay } from '../../cli/replay.ts';
import { problemBody } from '../../contracts/problems.ts';
import { fakeRuntime } from './support/runtime.ts';

const invalid: [option: string, value: string, message: string][] = [
  ['--region', 'eu central 1', 'must be a region like eu-central-1'],
  ['--region', 'eu-central-1.attacker.example/', 'must be a region like eu-central-1'],
  ['--region', '', 'must be a region like eu-central-1'],
  ['--region', 'EU-CENTRAL-1', 'must be a region like eu-central-1'],
  ['--profile', '', 'must be the name of a profile'],
  ['--profile', 'two\nlines', 'must be the name of a profile'],
  ['--profile', 'a]', 'must be the name of a profile'],
  ['--api-url', 'nowhere', 'must be a URL'],
  ['--api-url', '', 'must be a URL'],
  ['--api-url', 'ftp://api.example', 'must be a URL'],
  ['--api-url', 'file:///etc/passwd', 'must be a URL'],
  ['--api-url', 'https://user:secret@api.example', 'without a user'],
  ['--api-url', 'https://api.example?x=1', 'without a user, a query'],
];

describe('the value of an option of every command', () => {
  it.each(invalid)('%s %j is wrong usage', async (option, value, message) => {
    const typed = fakeRuntime();

    await expect(typed.run('doctor', option, value)).resolves.toBe(2);
    expect(typed.output.err).toContain(message);
    if (value !== '') expect(typed.output.err).not.toContain(value);
    expect(typed.sent).toEqual([]);
  });

  it.each(invalid)('%s %j is wrong usage, as JSON with --json', async (option, value, message) => {
    const typed = fakeRuntime();

    await expect(typed.run('list', '--json', option, value)).resolves.toBe(2);
    expect(typed.jsonOutput()).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining(message) },
    });
  });

  it.each([
    'eu-central-1',
    'us-gov-west-1',
    'us-iso-east-1',
    'eusc-de-east-1',
    'ap-southeast-7',
    'cn-north-1',
  ])('the region %s is valid', async (region) => {
    const typed = fakeRuntime({ responses: [[404, { code: 'NOT_FOUND' }]] });
    await typed.run('status', '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01', '--region', region);

    expect(typed.sent).toHaveLength(1);
  });
});

describe('a proposed command', () => {
  const options = ['--profile', 'app1 operator', '--region', 'eu-central-1'];
  const asTyped = "--profile 'app1 operator' --region eu-central-1";

  it.each([
    ['list', 'an id is unknown', [404, problemBody('NOT_FOUND')]],
    ['doctor', 'a success is not a response of App1', [200, '<html>']],
    ['doctor', 'an error is not a response of App1', [502, '<html>']],
  ] as const)('%s selects the same system when %s', async (command, _when, [status, body]) => {
    const typed = fakeRuntime({ responses: [[status, body]] });

    await typed.run('status', '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01', ...options);

    expect(typed.output.err).toContain(`npx provision ${command} ${asTyped}`);
  });
});

describe('the npm scripts', () => {
  const captureStderr = () => {
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
    [
      'replay',
      replay,
      ['App2', '--from', '2026-01-02T00:00:00Z', '--to', '2026-01-03T00:00:00Z'],
      'must be 2 to 20 lower-case letters and digits',
    ],
  ])('%s reports a usage error for %s', async (_name, main, args, message) => {
    const text = captureStderr();

    await expect(main(args)).resolves.toBe(2);
    expect(text()).toContain(message);

    jest.restoreAllMocks();
  });
});
