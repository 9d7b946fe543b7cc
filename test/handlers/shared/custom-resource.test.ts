import { describe, expect, it, jest } from '@jest/globals';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { customResource } from '../../../handlers/shared/custom-resource.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { PASSWORD } from '../../support/subject.ts';

const log = watchLog();
const common = {
  ServiceToken: 'token',
  ResponseURL: 'https://cloudformation.example/answer',
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'Resource',
  ResourceType: 'Custom::Resource',
  ResourceProperties: { ServiceToken: 'token' },
};
const create: CloudFormationCustomResourceEvent = { ...common, RequestType: 'Create' };
const update: CloudFormationCustomResourceEvent = {
  ...common,
  RequestType: 'Update',
  PhysicalResourceId: 'made-before',
  OldResourceProperties: { ServiceToken: 'token' },
};

/** What CloudFormation was answered. */
function cloudFormation(status = 200) {
  const answers: { address: unknown; method: unknown; body: unknown }[] = [];
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (address, init) => {
    answers.push({ address, method: init?.method, body: JSON.parse(String(init?.body)) });
    return new Response(null, { status });
  });
  return answers;
}

describe('customResource', () => {
  it('tells CloudFormation what was made, and keeps even that out of sight', async () => {
    const answers = cloudFormation();

    await customResource(async () => 'made-now')(create);

    expect(answers).toEqual([
      {
        address: 'https://cloudformation.example/answer',
        method: 'PUT',
        body: {
          Status: 'SUCCESS',
          PhysicalResourceId: 'made-now',
          StackId: 'stack',
          RequestId: 'request',
          LogicalResourceId: 'Resource',
          NoEcho: true,
        },
      },
    ]);
  });

  it.each([
    ['made before', update, 'made-before'],
    ['not made', create, 'not-created-request'],
  ] as const)(
    'tells CloudFormation of a failure, with the id of a resource that was %s',
    async (_what, event, id) => {
      const answers = cloudFormation();

      await customResource(async () => {
        throw sdkError('InvalidParameterException', { message: `Value '${PASSWORD}'` });
      })(event);

      expect(answers).toMatchObject([
        { body: { Status: 'FAILED', PhysicalResourceId: id, Reason: /InvalidParameterException/ } },
      ]);
      expectNoLeak(PASSWORD, answers, log());
    },
  );

  it('fails when CloudFormation does not take the answer, so that Lambda calls it again', async () => {
    cloudFormation(403);

    await expect(customResource(async () => 'made-now')(create)).rejects.toThrow('HTTP 403');
  });
});
