import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { check } from './support.ts';

/** What the check of recordings finds in such as are not as AWS's models say. */

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const body = (value: unknown): string => base64(typeof value === 'string' ? value : JSON.stringify(value));

const ARN = 'arn:aws:states:eu-central-1:111122223333:stateMachine:One';
const started = { executionArn: `${ARN}:1`, startDate: 1_767_225_600 };

/** A call of Step Functions, as it is recorded. */
const start = (request: unknown, response: unknown, status = 200, error?: string) => ({
  service: 'states',
  method: 'POST',
  path: '/',
  query: '',
  request_headers: {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'AWSStepFunctions.StartExecution',
  },
  request: body(request),
  status,
  headers: {
    'content-type': 'application/x-amz-json-1.0',
    ...(error === undefined ? {} : { 'x-amzn-errortype': error }),
  },
  response: body(response),
});
const identity = (response: string) => ({
  ...start('Action=GetCallerIdentity&Version=2011-06-15', response),
  service: 'sts',
  request_headers: { 'content-type': 'application/x-www-form-urlencoded' },
  headers: { 'content-type': 'text/xml' },
});
const concurrency = (response: unknown) => ({
  ...start('', response),
  service: 'lambda',
  method: 'GET',
  path: '/2019-09-30/functions/one/concurrency',
  request_headers: {},
});
const put = (entry: object, result: object) => ({
  task: 'events:putEvents',
  arguments: { Entries: [entry] },
  result,
});

it.each([
  ['a call that is as it should be', start({ stateMachineArn: ARN, input: '{}' }, started), []],
  [
    'a request without what is required',
    start({ input: '{}' }, started),
    ['request.stateMachineArn is required and missing'],
  ],
  [
    'a request with what is not in the model',
    start({ stateMachineArn: ARN, inputs: '{}' }, started),
    ['request.inputs is not in the model'],
  ],
  [
    'a type that is another',
    start({ stateMachineArn: ARN, input: {} }, started),
    ['request.input is no text'],
  ],
  [
    'a name that is too long',
    start({ stateMachineArn: ARN, name: 'n'.repeat(81) }, started),
    ['request.name has 81 characters instead of 1 to 80'],
  ],
  [
    'an answer without what is required',
    start({ stateMachineArn: ARN }, { startDate: 1 }),
    ['answer.executionArn is required and missing'],
  ],
  [
    'an answer that is null',
    start({ stateMachineArn: ARN }, { ...started, startDate: null }),
    ['answer.startDate is null'],
  ],
  [
    'an error that the operation does not have',
    start({ stateMachineArn: ARN }, {}, 400, 'TaskTimedOut'),
    ['answer: TaskTimedOut is no error of this operation'],
  ],
  ['an error that it has', start({ stateMachineArn: ARN }, {}, 400, 'ExecutionAlreadyExists'), []],
  [
    'XML with what is not in the model',
    identity(
      '<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><Name>b</Name></GetCallerIdentityResult></GetCallerIdentityResponse>',
    ),
    ['answer.Name is not in the model'],
  ],
  [
    'an answer of a REST service',
    concurrency({ ReservedConcurrentExecutions: 'many' }),
    ['answer.ReservedConcurrentExecutions is no integer'],
  ],
  [
    'what a state machine sends, with a document where the API has text',
    put(
      { Source: 'app1', DetailType: 'Done', Detail: { a: 1 } },
      { FailedEntryCount: 0, Entries: [{ EventId: '1' }] },
    ),
    [],
  ],
  [
    'what a state machine sends that the API does not know',
    put({ Source: 'app1', DetailTyp: 'Done', Detail: {} }, { Entries: [] }),
    ['request.Entries[].DetailTyp is not in the model'],
  ],
])('%s', (_what, sample, findings) => {
  const folder = mkdtempSync(join(tmpdir(), 'recorded-'));
  try {
    writeFileSync(join(folder, 'one.json'), JSON.stringify(sample));

    expect(check([folder])).toMatchObject([{ samples: 1, findings }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
