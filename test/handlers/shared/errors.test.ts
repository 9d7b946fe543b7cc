import { describe, expect, it } from '@jest/globals';
import { classifyError, hasErrorName, StepError } from '../../../handlers/shared/errors.ts';
import { expectNoLeak } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { PASSWORD } from '../../support/subject.ts';

const connection = (code: string) => Object.assign(new Error(`connect ${PASSWORD}`), { code });

describe('classifyError', () => {
  it.each<[string, unknown, string]>([
    ['too many requests', sdkError('TooManyRequestsException'), 'ServiceThrottled'],
    ['throttling', sdkError('ThrottlingException'), 'ServiceThrottled'],
    ['a limit of KMS', sdkError('LimitExceededException'), 'ServiceThrottled'],
    ['any 429', sdkError('NewKindOfThrottle', { status: 429 }), 'ServiceThrottled'],
    ['an internal error of Cognito', sdkError('InternalErrorException'), 'ServiceUnavailable'],
    ['an internal error of KMS', sdkError('KMSInternalException'), 'ServiceUnavailable'],
    ['any 5xx', sdkError('NewKindOfFault', { status: 503 }), 'ServiceUnavailable'],
    ['a time limit of the SDK', sdkError('TimeoutError'), 'ServiceUnavailable'],
    ['a reset connection', connection('ECONNRESET'), 'ServiceUnavailable'],
    ['an unknown host', connection('ENOTFOUND'), 'ServiceUnavailable'],
    ['a time limit of fetch', connection('UND_ERR_HEADERS_TIMEOUT'), 'ServiceUnavailable'],
    ['a denied call', sdkError('AccessDeniedException', { status: 403 }), 'AccessDeniedException'],
    ['a bug', new TypeError('x is not a function'), 'TypeError'],
    ['no error at all', 'text', 'StepFailed'],
  ])('maps %s to a name that the workflow matches', (_what, thrown, name) => {
    expect(classifyError(thrown).name).toBe(name);
  });

  it.each<[string, unknown]>([
    ['message', sdkError('InvalidParameterException', { message: `Value '${PASSWORD}'` })],
    ['cause', new Error('wrapped', { cause: new Error(PASSWORD) })],
    ['own field', Object.assign(new Error('e'), { request: { body: PASSWORD } })],
    ['code', Object.assign(new Error('e'), { code: PASSWORD })],
    ['thrown text', PASSWORD],
  ])('drops the message of the %s', (_where, thrown) => {
    expectNoLeak(PASSWORD, classifyError(thrown));
  });

  it('returns a StepError unchanged', () => {
    const error = new StepError('UserNotFound', 'gone');

    expect(classifyError(error)).toBe(error);
  });
});

describe('hasErrorName', () => {
  it('matches errors by name, and no other values', () => {
    expect(hasErrorName(sdkError('A'), 'B', 'A')).toBe(true);
    expect(hasErrorName(sdkError('C'), 'B', 'A')).toBe(false);
    expect(hasErrorName({ name: 'A' }, 'A')).toBe(false);
  });
});
