import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { problem } from '../../contracts/problems.ts';
import { newRequest, outputs, system } from './support/deployed.ts';

const countExecutions = async (): Promise<number> => {
  const { executions: found = [] } = await system.clients.stepFunctions.send(
    new ListExecutionsCommand({ stateMachineArn: outputs.app1.state_machine_arn, maxResults: 1000 }),
  );
  return found.length;
};

const { username, password, human_user_id } = newRequest();

/** Description, body, headers, expected status and pointers of the wrong fields. */
type Case = [string, object | string, Record<string, string>, number, string[]];
const cases: Case[] = [
  ['a missing field', { username, password }, {}, 400, ['/human_user_id']],
  ['all fields missing', {}, {}, 400, ['/username', '/password', '/human_user_id']],
  ['a wrong type', { username, password: 12345678, human_user_id }, {}, 400, ['/password']],
  ['an unknown field', { username, password, human_user_id, admin: true }, {}, 400, ['/admin']],
  ['no JSON', `{"password": "${password}"`, {}, 400, ['']],
  ['an array', '[]', {}, 400, ['']],
  ['an empty body', '', {}, 400, ['']],
  ['a body of 1 MB', { username, password: 'x'.repeat(1_000_000), human_user_id }, {}, 413, []],
  ['another content type', { username, password, human_user_id }, { 'content-type': 'text/plain' }, 415, []],
  ['a username with spaces', { username: 'a b', password, human_user_id }, {}, 400, ['/username']],
  ...['..', '.ada', 'ada/../bob', 'ada%2fbob', 'zoe\u0308', 'zo\u00eb', '\u{1F600}', '--help'].map(
    (name): Case => [
      `the username ${JSON.stringify(name)}`,
      { username: name, password, human_user_id },
      {},
      400,
      ['/username'],
    ],
  ),
  [
    'a username over 128 characters',
    { username: 'a'.repeat(129), password, human_user_id },
    {},
    400,
    ['/username'],
  ],
  [
    'a username like a UUID',
    { username: '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01', password, human_user_id },
    {},
    400,
    ['/username'],
  ],
  ...[
    ['half a surrogate pair', 'Correct-Horse-7\ud83d'],
    ['U+FFFD', 'Correct-Horse-7\ufffd'],
    ['a line end', 'Correct-Horse\n7'],
    ['a tab', 'Correct-Horse\t7'],
    ['NUL', 'Correct-Horse\u00007'],
    ['C1', 'Correct-Horse\u00857'],
    ['a space at its start', ' Correct-Horse-7'],
    ['a space at its end', 'Correct-Horse-7 '],
  ].map(
    ([detail, text]): Case => [
      `a password with ${detail}`,
      { username, password: text, human_user_id },
      {},
      400,
      ['/password'],
    ],
  ),
  [
    'a human_user_id with a space',
    { username, password, human_user_id: 'h 42' },
    {},
    400,
    ['/human_user_id'],
  ],
  [
    'a human_user_id with half a pair',
    { username, password, human_user_id: 'h\ud83d' },
    {},
    400,
    ['/human_user_id'],
  ],
  [
    "a password that violates three rules of the target's policy",
    { username, password: 'short', human_user_id },
    {},
    400,
    ['/password', '/password', '/password'],
  ],
  [
    'a password that violates one rule',
    { username, password: password.toLowerCase(), human_user_id },
    {},
    400,
    ['/password'],
  ],
  ['an empty password', { username, password: '', human_user_id }, {}, 400, ['/password']],
  [
    'a bad idempotency key',
    { username, password, human_user_id },
    { 'Idempotency-Key': 'a b' },
    400,
    ['header Idempotency-Key'],
  ],
  [
    'several wrong fields',
    { username: '', password: '', unknown: 1 },
    {},
    400,
    ['/username', '/password', '/human_user_id', '/unknown'],
  ],
];

describe('POST /create-service-user with bad input', () => {
  it.each(cases)(
    'reports each wrong field of %s, and starts no execution',
    async (_, body, headers, expected, fields) => {
      const before = await countExecutions();
      const response = await system.provision(
        typeof body === 'string' ? body : JSON.stringify(body),
        headers,
      );

      const { errors = [] } = problem.parse(response.body);

      expect(response.status).toBe(expected);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(errors.map(({ pointer }) => pointer).sort()).toEqual([...fields].sort());
      for (const { detail } of errors) expect(detail).not.toBe('');
      expect(JSON.stringify(response.body)).not.toContain(password);
      expect(await countExecutions()).toBe(before);
    },
  );
});
