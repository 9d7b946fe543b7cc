import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { sdkError } from '../support/sdk-errors.ts';
import { fakeRuntime } from './support/runtime.ts';

const lambda = mockClient(LambdaClient);
const blob = (text: string) => Object.assign(Buffer.from(text), { transformToString: () => text });
const mockResult = (answer: object, FunctionError?: string) =>
  lambda.on(InvokeCommand).resolves({
    Payload: blob(JSON.stringify(answer)),
    ...(FunctionError === undefined ? {} : { FunctionError }),
  });

beforeEach(() => {
  lambda.reset();
});

describe('provision revoke-machine-credentials', () => {
  it('invokes the function of the target, and prints the result', async () => {
    mockResult({ version_id: 'v-1', removed_users: 2 });
    const { run, output } = fakeRuntime();

    expect(await run('revoke-machine-credentials', '--target', 'payments')).toBe(0);

    expect(lambda.commandCalls(InvokeCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { FunctionName: 'payments-revoke-machine-credentials', Payload: '{}' },
    ]);
    expect(output.out).toContain('version v-1');
    expect(output.out).toContain('disabled and removed: 2. None remains.');
    expect(output.out).toContain('within 16 minutes');
  });

  it('prints JSON with --json', async () => {
    mockResult({ version_id: 'v-1', removed_users: 0 });
    const { run, jsonOutput } = fakeRuntime();

    expect(await run('revoke-machine-credentials', '--target', 'payments', '--json')).toBe(0);
    expect(jsonOutput()).toEqual({ version_id: 'v-1', removed_users: 0 });
  });

  it('reports a failure of the function with the cause and the remedy', async () => {
    mockResult(
      { errorType: 'Error', errorMessage: 'The rotation has not finished; no user was removed.' },
      'Unhandled',
    );
    const { run, jsonOutput } = fakeRuntime();

    expect(await run('revoke-machine-credentials', '--target', 'payments', '--json')).toBe(1);
    expect(jsonOutput()).toEqual({
      error: {
        code: 'NOT_REVOKED',
        message: expect.stringContaining('no user was removed'),
        remedy: expect.stringContaining('Run it again'),
      },
    });
  });

  it.each([
    ['the target is not deployed', 'ResourceNotFoundException', 3, 'NOT_DEPLOYED'],
    ['a permission is missing', 'AccessDeniedException', 3, 'ACCESS_DENIED'],
    ['AWS throttles the call', 'TooManyRequestsException', 3, 'THROTTLED'],
  ])('reports that %s', async (_what, name, status, code) => {
    lambda.on(InvokeCommand).rejects(sdkError(name));
    const { run, jsonOutput } = fakeRuntime();

    expect(await run('revoke-machine-credentials', '--target', 'payments', '--json')).toBe(status);
    expect(jsonOutput()).toMatchObject({ error: { code } });
  });

  it('does not retry the call', async () => {
    lambda.on(InvokeCommand).rejects(sdkError('TimeoutError'));
    const { run } = fakeRuntime();

    expect(await run('revoke-machine-credentials', '--target', 'payments')).not.toBe(0);
    expect(lambda.commandCalls(InvokeCommand)).toHaveLength(1);
  });

  it.each([[[]], [['--target', 'app1']]])('needs the name of a target: %j', async (more) => {
    const { run } = fakeRuntime();

    expect(await run('revoke-machine-credentials', ...more)).toBe(2);
    expect(lambda.calls()).toEqual([]);
  });

  it.each([['an argument'], ['--force'], ['--yes']])('rejects %s', async (more) => {
    const { run } = fakeRuntime();

    expect(await run('revoke-machine-credentials', '--target', 'payments', more)).toBe(2);
    expect(lambda.calls()).toEqual([]);
  });
});
