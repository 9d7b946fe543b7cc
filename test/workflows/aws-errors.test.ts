import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { awsErrorMapping } from '../../contracts/failures.ts';
import {
  EVENTBRIDGE_TRANSIENT,
  invokeErrors,
  LAMBDA_THROTTLED,
  LAMBDA_TRANSIENT,
} from '../../workflows/aws-errors.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';

/** The errors of Lambda's Invoke in the SDK's documentation of the command. */
function modelledErrors(): string[] {
  const client = dirname(createRequire(import.meta.url).resolve('@aws-sdk/client-lambda/package.json'));
  const types = readFileSync(join(client, 'dist-types', 'commands', 'InvokeCommand.d.ts'), 'utf8');
  return [...types.matchAll(/@throws \{@link (\w+)\} \(/g)].map(([, name = '']) => name);
}

describe('the errors of an invocation', () => {
  it('are exactly those of the SDK', () => {
    expect(modelledErrors()).toContain('TooManyRequestsException');
    expect(Object.keys(invokeErrors).sort()).toEqual(modelledErrors().sort());
  });

  it.each([
    'Lambda.ResourceConflictException',
    'Lambda.ResourceNotReadyException',
    'Lambda.CodeArtifactUserPendingException',
    'Lambda.ServiceException',
    'Runtime.OutOfMemory',
    'Runtime.ExitError',
    'Sandbox.Timedout',
  ])('include %s as a transient error', (error) => {
    expect(LAMBDA_TRANSIENT).toContain(error);
  });

  it.each([
    'Lambda.CodeArtifactUserFailedException',
    'Lambda.KMSDisabledException',
    'Lambda.ResourceNotFoundException',
  ])('include %s as a permanent error, which is not retried', (error) => {
    expect([...LAMBDA_TRANSIENT, ...LAMBDA_THROTTLED]).not.toContain(error);
  });

  it('are reported as ServiceThrottled if Lambda throttles', () => {
    for (const error of LAMBDA_THROTTLED)
      expect(new Map<string, string>(Object.entries(awsErrorMapping)).get(error)).toBe('ServiceThrottled');
  });
});

describe.each(machineNames)('%s', (machine) => {
  const retried = tasks(golden(machine)).map(([state, { Resource, Retry = [] }]) => ({
    state,
    publishes: Resource.endsWith(':events:putEvents'),
    errors: Retry.flatMap(({ ErrorEquals }) => ErrorEquals),
  }));

  it('retries every transient error of Lambda in each state that invokes a function', () => {
    for (const { state, publishes, errors } of retried)
      if (!publishes)
        expect([state, errors]).toEqual([
          state,
          expect.arrayContaining([...LAMBDA_TRANSIENT, ...LAMBDA_THROTTLED]),
        ]);
  });

  it('retries every transient error of EventBridge, in both spellings, in each state that publishes', () => {
    expect(EVENTBRIDGE_TRANSIENT).toEqual(
      expect.arrayContaining(['EventBridge.EventBridgeException', 'EventBridge.AmazonEventBridgeException']),
    );
    for (const { state, publishes, errors } of retried)
      if (publishes)
        expect([state, errors]).toEqual([state, expect.arrayContaining([...EVENTBRIDGE_TRANSIENT])]);
  });
});
