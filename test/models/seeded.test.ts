import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { check } from './support.ts';

/** Findings of the comparison in recordings that deviate from the models of AWS. */

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const body = (value: unknown): string => base64(typeof value === 'string' ? value : JSON.stringify(value));

const ARN = 'arn:aws:states:eu-central-1:111122223333:stateMachine:One';
const started = { executionArn: `${ARN}:1`, startDate: 1_767_225_600 };

/** A recorded call to Step Functions. */
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
  ['reports nothing for a valid call', start({ stateMachineArn: ARN, input: '{}' }, started), []],
  [
    'reports a missing member of a request',
    start({ input: '{}' }, started),
    ['request.stateMachineArn is required and missing'],
  ],
  [
    'reports an unknown member of a request',
    start({ stateMachineArn: ARN, inputs: '{}' }, started),
    ['request.inputs is not in the model'],
  ],
  [
    'reports a wrong type',
    start({ stateMachineArn: ARN, input: {} }, started),
    ['request.input is not a string'],
  ],
  [
    'reports a name that is too long',
    start({ stateMachineArn: ARN, name: 'n'.repeat(81) }, started),
    ['request.name has 81 characters instead of 1 to 80'],
  ],
  [
    'reports a missing member of a response',
    start({ stateMachineArn: ARN }, { startDate: 1 }),
    ['response.executionArn is required and missing'],
  ],
  [
    'reports a null in a response',
    start({ stateMachineArn: ARN }, { ...started, startDate: null }),
    ['response.startDate is null'],
  ],
  [
    'reports an error that the operation does not have',
    start({ stateMachineArn: ARN }, {}, 400, 'TaskTimedOut'),
    ['response: TaskTimedOut is not an error of this operation'],
  ],
  [
    'accepts an error of the operation',
    start({ stateMachineArn: ARN }, {}, 400, 'ExecutionAlreadyExists'),
    [],
  ],
  [
    'reports an unknown member in XML',
    identity(
      '<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><Name>b</Name></GetCallerIdentityResult></GetCallerIdentityResponse>',
    ),
    ['response.Name is not in the model'],
  ],
  [
    'reports a wrong type in a response of a REST service',
    concurrency({ ReservedConcurrentExecutions: 'many' }),
    ['response.ReservedConcurrentExecutions is not an integer'],
  ],
  [
    'accepts a document of a state machine where the API has a string',
    put(
      { Source: 'app1', DetailType: 'Done', Detail: { a: 1 } },
      { FailedEntryCount: 0, Entries: [{ EventId: '1' }] },
    ),
    [],
  ],
  [
    'reports an unknown member of a state machine',
    put({ Source: 'app1', DetailTyp: 'Done', Detail: {} }, { Entries: [] }),
    ['request.Entries[].DetailTyp is not in the model'],
  ],
])('%s', (_title, sample, findings) => {
  const folder = mkdtempSync(join(tmpdir(), 'recorded-'));

  try {
    writeFileSync(join(folder, 'one.json'), JSON.stringify(sample));

    expect(check([folder])).toMatchObject([{ samples: 1, findings }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
