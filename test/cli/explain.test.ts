import { describe, expect, it } from '@jest/globals';
import { explain } from '../../cli/explain.ts';
import { CommandError } from '../../cli/support/command-error.ts';
import { sdkError } from '../support/sdk-errors.ts';

const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });

describe('explain', () => {
  it.each([
    [sdkError('CredentialsProviderError'), 'NO_CREDENTIALS', 'unreachable'],
    [sdkError('ExpiredTokenException'), 'NO_CREDENTIALS', 'unreachable'],
    [sdkError('AccessDeniedException'), 'ACCESS_DENIED', 'unreachable'],
    [sdkError('ThrottlingException'), 'THROTTLED', 'unreachable'],
    [new TypeError('fetch failed', { cause: refused }), 'NOT_REACHABLE', 'unreachable'],
    [refused, 'NOT_REACHABLE', 'unreachable'],
    [Object.assign(new Error('too slow'), { name: 'TimeoutError' }), 'NOT_REACHABLE', 'unreachable'],
    [
      new CommandError('There is no deployed local AWS.', 'Run `npm run up` first.'),
      'NOT_DEPLOYED',
      'unreachable',
    ],
    [new Error('Region is missing'), 'NO_REGION', 'usage'],
    [new Error('?'), 'UNEXPECTED', 'unexpected'],
    ['thrown', 'UNEXPECTED', 'unexpected'],
  ])('maps %s to %s', (error, code, exit) => {
    expect(explain(error)).toMatchObject({ code, exit, remedy: expect.stringMatching(/\.$|`/) });
  });
});
