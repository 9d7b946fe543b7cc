import { Uint8ArrayBlobAdapter } from '@smithy/core/serde';
import { ownerOf } from './json-service.ts';
import type { Answer, Call } from './send.ts';

export const LambdaClient = ownerOf({ host: 'lambda', signing: 'lambda' });

interface InvokeInput {
  FunctionName: string;
  InvocationType?: string;
  Payload?: string | Uint8Array;
}

/** The one API here that is REST. docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
export class InvokeCommand {
  readonly input: InvokeInput;

  constructor(input: InvokeInput) {
    this.input = input;
  }

  request(): Call {
    const { FunctionName, InvocationType, Payload = '' } = this.input;
    return {
      path: `/2015-03-31/functions/${encodeURIComponent(FunctionName)}/invocations`,
      headers: {
        'content-type': 'application/octet-stream',
        ...(InvocationType === undefined ? {} : { 'x-amz-invocation-type': InvocationType }),
      },
      body: Payload,
    };
  }

  output({ status, headers, body }: Answer): object {
    const failure = headers['x-amz-function-error'];
    const version = headers['x-amz-executed-version'];
    return {
      StatusCode: status,
      ...(failure === undefined ? {} : { FunctionError: failure }),
      ...(version === undefined ? {} : { ExecutedVersion: version }),
      Payload: Uint8ArrayBlobAdapter.mutate(new Uint8Array(body)),
    };
  }
}
