import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { sdkError } from '../support/sdk-errors.ts';
import { world } from './support/world.ts';

const lambda = mockClient(LambdaClient);
const blob = (text: string) => Object.assign(Buffer.from(text), { transformToString: () => text });
const answers = (answer: object, FunctionError?: string) =>
  lambda.on(InvokeCommand).resolves({
    Payload: blob(JSON.stringify(answer)),
    ...(FunctionError === undefined ? {} : { FunctionError }),
  });

beforeEach(() => {
  lambda.reset();
});

describe('provision revoke-machine-credentials', () => {
  it('calls the function of App2, and says what it did and what is left', async () => {
    answers({ version_id: 'v-1', removed_users: 2 });
    const { run, shown } = world();

    expect(await run('revoke-machine-credentials')).toBe(0);

    expect(lambda.commandCalls(InvokeCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { FunctionName: 'app2-revoke-machine-credentials', Payload: '{}' },
    ]);
    expect(shown.out).toContain('version v-1');
    expect(shown.out).toContain('disabled and removed: 2. None is left.');
    expect(shown.out).toContain('within 16 minutes');
  });

  it('answers as JSON', async () => {
    answers({ version_id: 'v-1', removed_users: 0 });
    const { run, answer } = world();

    expect(await run('revoke-machine-credentials', '--json')).toBe(0);
    expect(answer()).toEqual({ version_id: 'v-1', removed_users: 0 });
  });

  it('says that it did not end well, why, and what to do', async () => {
    answers(
      { errorType: 'Error', errorMessage: 'The rotation has not ended; nobody was removed.' },
      'Unhandled',
    );
    const { run, answer } = world();

    expect(await run('revoke-machine-credentials', '--json')).toBe(1);
    expect(answer()).toEqual({
      error: {
        code: 'NOT_REVOKED',
        message: expect.stringContaining('nobody was removed'),
        remedy: expect.stringContaining('Run it again'),
      },
    });
  });

  it.each([
    ['App2 is not here', 'ResourceNotFoundException', 3, 'NOT_DEPLOYED'],
    ['there is no right to it', 'AccessDeniedException', 3, 'NO_RIGHT'],
    ['AWS is asked too often', 'TooManyRequestsException', 3, 'BUSY'],
  ])('says that %s', async (_what, name, status, code) => {
    lambda.on(InvokeCommand).rejects(sdkError(name));
    const { run, answer } = world();

    expect(await run('revoke-machine-credentials', '--json')).toBe(status);
    expect(answer()).toMatchObject({ error: { code } });
  });

  it('does not call twice by itself', async () => {
    lambda.on(InvokeCommand).rejects(sdkError('TimeoutError'));
    const { run } = world();

    expect(await run('revoke-machine-credentials')).not.toBe(0);
    expect(lambda.commandCalls(InvokeCommand)).toHaveLength(1);
  });

  it.each([['an argument'], ['--force'], ['--yes']])('takes no %s', async (more) => {
    const { run } = world();

    expect(await run('revoke-machine-credentials', more)).toBe(2);
    expect(lambda.calls()).toEqual([]);
  });
});
