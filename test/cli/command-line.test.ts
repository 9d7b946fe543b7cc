import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { commandLine } from '../../cli/command-line.ts';
import type { ConnectOptions } from '../../cli/connect.ts';
import { toReport } from '../../cli/format.ts';
import { program } from '../../cli/program.ts';
import { proposeFor } from '../../cli/session.ts';
import { PROVISIONING_ID as ID } from '../support/subject.ts';

/** Separates commands in the output of the shell. */
const END = '\u0001';

/** The words that a shell passes to `npx`, for each command. */
function wordsOf(commands: readonly string[]): string[][] {
  const script = `npx() { for word; do printf '%s\\0' "$word"; done; printf '${END}\\0'; }\n${commands.join('\n')}\n`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout
    .split(`${END}\0`)
    .slice(0, -1)
    .map((words) => words.split('\0').slice(0, -1));
}

/** Parses a proposed command with the program. */
async function parsed(proposed: string) {
  const parsedCommands: { name: string; operands: readonly string[]; options: unknown }[] = [];
  const all = program(async () => undefined);
  for (const command of all.commands)
    command.hook('preAction', (_all, action) => {
      parsedCommands.push({ name: action.name(), operands: action.args, options: action.optsWithGlobals() });
    });
  const [[, ...words] = []] = wordsOf([proposed]);
  await all.parseAsync(words, { from: 'user' });
  return parsedCommands;
}

/** Words that a shell or the program could misread. */
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

describe('commandLine', () => {
  const any = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && !text.includes(END));
  const words = [...fc.sample(any, 300), ...odd];

  it('quotes any operand so that a shell reads it unchanged', () => {
    const asOperands = words.map((word) => commandLine({ command: 'npx', operands: [word, 'last'] }));

    expect(wordsOf(asOperands)).toEqual(
      words.map((word) => [...(word.startsWith('-') ? ['--'] : []), word, 'last']),
    );
  });

  it('quotes any value of an option so that a shell reads it unchanged', () => {
    const asValues = words.map((word) =>
      commandLine({ command: 'npx', options: [['--name', word], ['--last']] }),
    );

    expect(wordsOf(asValues)).toEqual(
      words.map((word) => [...(word.startsWith('-') ? [`--name=${word}`] : ['--name', word]), '--last']),
    );
  });
});

describe('the next command of a report', () => {
  const failed = {
    provisioning_id: ID,
    status: 'FAILED',
    user: 'absent',
    started_at: '2026-01-01T00:00:00.000Z',
  } as const;
  const error = { code: 'X', step: 'S', message: 'm', remedy: 'r', retryable: false };
  const nextOf = (connecting: ConnectOptions, over: object) =>
    toReport({ ...failed, ...over }, proposeFor(connecting)).next ?? '';
  const systems: [string, ConnectOptions][] = [
    ['the local AWS', {}],
    ['AWS', { aws: true, region: 'eu-central-1' }],
    ['a profile', { profile: 'operator' }],
    ['a profile that begins with a hyphen', { profile: '-x' }],
    ['a profile in the form of an option', { profile: '--json' }],
    ['a profile with a space and an apostrophe', { profile: "Ada's own" }],
    ['a profile that a shell would run', { profile: '$(id); `id` "x"' }],
    [
      'an API with a custom domain name and an API key',
      { apiUrl: 'https://api.example/v1', apiKeyFile: '-keys/my key' },
    ],
  ];

  it.each(systems)('can be run as printed for %s', async (_system, connecting) => {
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

  it.each(odd)('quotes the username %j', (username) => {
    const [words = []] = wordsOf([nextOf({}, { error, username, human_user_id: '-h' })]);
    const named = username.startsWith('-')
      ? ['--human-user=-h', '--', username]
      : [username, '--human-user=-h'];

    expect(words).toEqual(['provision', 'create', ...named]);
  });

  it('is null when the username is not known', () => {
    expect(toReport({ ...failed, error }, proposeFor({})).next).toBeNull();
  });
});
