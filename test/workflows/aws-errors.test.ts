import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { awsErrorMapping } from '../../contracts/failures.ts';
import {
  EVENTBRIDGE_PASSING,
  invokeErrors,
  LAMBDA_PASSING,
  LAMBDA_THROTTLED,
} from '../../workflows/aws-errors.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';

/** The errors that the SDK knows of Lambda's Invoke, from its documentation of the command. */
function modelledErrors(): string[] {
  const client = dirname(createRequire(import.meta.url).resolve('@aws-sdk/client-lambda/package.json'));
  const types = readFileSync(join(client, 'dist-types', 'commands', 'InvokeCommand.d.ts'), 'utf8');
  return [...types.matchAll(/@throws \{@link (\w+)\} \(/g)].map(([, name = '']) => name);
}

describe('the errors of an invocation', () => {
  it('are those that Lambda has, no more and no less', () => {
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
  ])('that time mends are known as such: %s', (error) => {
    expect(LAMBDA_PASSING).toContain(error);
  });

  it.each([
    'Lambda.CodeArtifactUserFailedException',
    'Lambda.KMSDisabledException',
    'Lambda.ResourceNotFoundException',
  ])('that somebody has to mend are not retried: %s', (error) => {
    expect([...LAMBDA_PASSING, ...LAMBDA_THROTTLED]).not.toContain(error);
  });

  it('that are throttling are told as such', () => {
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

  it('retries every passing error of a function in each state that calls one', () => {
    for (const { state, publishes, errors } of retried)
      if (!publishes)
        expect([state, errors]).toEqual([
          state,
          expect.arrayContaining([...LAMBDA_PASSING, ...LAMBDA_THROTTLED]),
        ]);
  });

  it('retries every passing error of EventBridge, in both spellings, in each state that publishes', () => {
    expect(EVENTBRIDGE_PASSING).toEqual(
      expect.arrayContaining(['EventBridge.EventBridgeException', 'EventBridge.AmazonEventBridgeException']),
    );
    for (const { state, publishes, errors } of retried)
      if (publishes)
        expect([state, errors]).toEqual([state, expect.arrayContaining([...EVENTBRIDGE_PASSING])]);
  });
});
