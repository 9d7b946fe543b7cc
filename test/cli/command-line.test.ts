import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { commandLine } from '../../cli/command-line.ts';
import type { ConnectOptions } from '../../cli/connect.ts';
import { shown } from '../../cli/format.ts';
import { program } from '../../cli/program.ts';
import { proposing } from '../../cli/session.ts';
import { PROVISIONING_ID as ID } from '../support/subject.ts';

/** Ends the words of a command in what the shell prints. */
const END = '\u0001';

/** The words that a shell hands to `npx`, for each of these commands. */
function wordsOf(commands: readonly string[]): string[][] {
  const script = `npx() { for word; do printf '%s\\0' "$word"; done; printf '${END}\\0'; }\n${commands.join('\n')}\n`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout
    .split(`${END}\0`)
    .slice(0, -1)
    .map((words) => words.split('\0').slice(0, -1));
}

/** What the program makes of a command that was proposed. */
async function parsed(proposed: string) {
  const seen: { name: string; operands: readonly string[]; options: unknown }[] = [];
  const all = program(async () => undefined);
  for (const command of all.commands)
    command.hook('preAction', (_all, action) => {
      seen.push({ name: action.name(), operands: action.args, options: action.optsWithGlobals() });
    });
  const [[, ...words] = []] = wordsOf([proposed]);
  await all.parseAsync(words, { from: 'user' });
  return seen;
}

/** Words that a shell, or the program, would take for something else. */
const odd = [
  '',
  '-',
  '-x',
  '--',
  '--json',
  "it's",
  '"',
  '$(id)',
  '`id`',
  '\\',
  'a\nb',
  '*',
  '~',
  '#',
  'a b',
  ';',
];

describe('a command that is proposed', () => {
  it('comes out of a shell as the words that were meant, whatever they are', () => {
    const any = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && !text.includes(END));
    const words = [...fc.sample(any, 300), ...odd];

    const asOperands = words.map((word) => commandLine({ command: 'npx', operands: [word, 'last'] }));
    expect(wordsOf(asOperands)).toEqual(
      words.map((word) => [...(word.startsWith('-') ? ['--'] : []), word, 'last']),
    );
    const asValues = words.map((word) =>
      commandLine({ command: 'npx', options: [['--name', word], ['--last']] }),
    );
    expect(wordsOf(asValues)).toEqual(
      words.map((word) => [...(word.startsWith('-') ? [`--name=${word}`] : ['--name', word]), '--last']),
    );
  });
});

describe('what comes next', () => {
  const failed = {
    provisioning_id: ID,
    status: 'FAILED',
    user: 'absent',
    started_at: '2026-01-01T00:00:00.000Z',
  } as const;
  const error = { code: 'X', step: 'S', message: 'm', remedy: 'r', retryable: false };
  const nextOf = (connecting: ConnectOptions, over: object) =>
    shown({ ...failed, ...over }, proposing(connecting)).next ?? '';
  const systems: [string, ConnectOptions][] = [
    ['the local AWS', {}],
    ['AWS', { aws: true, region: 'eu-central-1' }],
    ['a profile', { profile: 'operator' }],
    ['a profile that begins with a hyphen', { profile: '-x' }],
    ['a profile that looks like an option', { profile: '--json' }],
    ['a profile with a blank and an apostrophe', { profile: "Ada's own" }],
    ['a profile that a shell would run', { profile: '$(id); `id` "x"' }],
    [
      'an API with a name and a key of its own',
      { apiUrl: 'https://api.example/v1', apiKeyFile: '-keys/my key' },
    ],
  ];

  it.each(systems)('can be typed as it is, at %s', async (_where, connecting) => {
    const commands = {
      status: nextOf(connecting, { status: 'RUNNING' }),
      retry: nextOf(connecting, { error: { ...error, retryable: true } }),
      create: nextOf(connecting, { error, username: 'alice', human_user_id: 'h-1' }),
      doctor: nextOf(connecting, { user: 'being_removed', error: { ...error, code: 'ROLL_BACK_FAILED' } }),
    };
    const options = expect.objectContaining(connecting);

    await expect(parsed(commands.status)).resolves.toEqual([{ name: 'status', operands: [ID], options }]);
    await expect(parsed(commands.retry)).resolves.toEqual([{ name: 'retry', operands: [ID], options }]);
    await expect(parsed(commands.create)).resolves.toEqual([
      { name: 'create', operands: ['alice'], options: expect.objectContaining({ humanUser: 'h-1' }) },
    ]);
    await expect(parsed(commands.doctor)).resolves.toEqual([{ name: 'doctor', operands: [], options }]);
  });

  it.each(odd)('names a user as %j', (username) => {
    const [words = []] = wordsOf([nextOf({}, { error, username, human_user_id: '-h' })]);
    const named = username.startsWith('-')
      ? ['--human-user=-h', '--', username]
      : [username, '--human-user=-h'];
    expect(words).toEqual(['provision', 'create', ...named]);
  });

  it('is nothing when it is not known for whom', () => {
    expect(shown({ ...failed, error }, proposing({})).next).toBeNull();
  });
});
