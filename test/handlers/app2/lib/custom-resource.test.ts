import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import * as z from 'zod';
import { type CustomResource, customResource } from '../../../../handlers/app2/lib/custom-resource.ts';
import { expectNoLeak, watchLog } from '../../../support/leaks.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { PASSWORD } from '../../../support/subject.ts';

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

const remove: CloudFormationCustomResourceEvent = {
  ...common,
  RequestType: 'Delete',
  PhysicalResourceId: 'made-by-former-code',
};

/** A resource with this outcome of its creation. */
const resource = (put: () => Promise<string>): CustomResource => ({ put, remove: async () => undefined });

/** The response to CloudFormation. */
function cloudFormation(status = 200) {
  const sentResponses: { address: unknown; method: unknown; body: unknown }[] = [];
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (address, init) => {
    sentResponses.push({ address, method: init?.method, body: JSON.parse(String(init?.body)) });
    return new Response(null, { status });
  });
  return sentResponses;
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('customResource', () => {
  it('sends the physical id to CloudFormation, with NoEcho', async () => {
    const sentResponses = cloudFormation();

    await customResource(resource(async () => 'made-now'))(create);

    expect(sentResponses).toEqual([
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
    'sends a failure to CloudFormation, with the id of a resource that was %s',
    async (_what, event, id) => {
      const sentResponses = cloudFormation();

      const failing = resource(async () => {
        throw sdkError('InvalidParameterException', { message: `Value '${PASSWORD}'` });
      });
      await customResource(failing)(event);

      expect(sentResponses).toMatchObject([
        { body: { Status: 'FAILED', PhysicalResourceId: id, Reason: /InvalidParameterException/ } },
      ]);
      expectNoLeak(PASSWORD, sentResponses, log());
    },
  );

  it.each([
    ['succeeds', async () => undefined, 'SUCCESS'],
    [
      'fails',
      async () => {
        throw sdkError('TooManyRequestsException');
      },
      'FAILED',
    ],
  ])('responds to a deletion that %s with the id of the event', async (_how, deletion, Status) => {
    const sentResponses = cloudFormation();

    await customResource({ put: async () => 'made-now', remove: deletion })(remove);

    expect(sentResponses).toMatchObject([{ body: { Status, PhysicalResourceId: 'made-by-former-code' } }]);
  });

  it('sends no content type, because the URL is signed without one', async () => {
    const headers: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      headers.push(request.headers);
      request.resume().once('end', () => response.end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = z.object({ port: z.number() }).parse(server.address());

    await customResource(resource(async () => 'made-now'))({
      ...create,
      ResponseURL: `http://127.0.0.1:${port}/answer`,
    });
    server.close();

    expect(headers).toMatchObject([{ 'content-type': '', 'content-length': expect.stringMatching(/^\d+$/) }]);
  });

  it('fails when the response URL refuses the response, so that Lambda retries', async () => {
    cloudFormation(403);

    await expect(customResource(resource(async () => 'made-now'))(create)).rejects.toThrow('HTTP 403');
  });
});
