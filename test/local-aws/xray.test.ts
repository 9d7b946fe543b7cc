import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { signedFetch } from '../../cli/signed-fetch.ts';
import { createApi } from './support/api.ts';
import { client, endpoint, region, root } from './support/clients.ts';
import { createFunction } from './support/functions.ts';
import { call, createMachine, describeExecution, ended, outputOf } from './support/machines.ts';
import { present } from './support/present.ts';

const sfn = client(SFNClient);
const ROOT = '1-69259e40-a1b2c3d4e5f60718293a4b5c';
const HEADER = `Root=${ROOT};Parent=53995c3f42cd8ad8;Sampled=1`;
const RETURN_TRACE_ID = 'exports.handler = async () => process.env._X_AMZN_TRACE_ID ?? null';
/** Lambda's format: the same trace with another parent. */
const sameTrace = expect.stringMatching(
  new RegExp(`^Root=${ROOT};Parent=(?!53995c3f42cd8ad8)[0-9a-f]{16};Sampled=1$`),
);
const anyTrace = expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/);

async function startTraced(stateMachineArn: string): Promise<string> {
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, input: '{}', traceHeader: HEADER }),
  );
  return present(executionArn);
}

describe('corrected: the trace header', () => {
  // lambda/latest/dg/configuration-envvars#configuration-envvars-runtime
  it('is in the environment of each invocation, with a new value each time', async () => {
    const arn = await createFunction(RETURN_TRACE_ID);
    const machine = await createMachine({ StartAt: 'A', States: { A: call(arn) } });
    const run = async () => {
      const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn: machine }));
      return outputOf(await ended(present(executionArn)));
    };
    const [one, other] = [await run(), await run()];

    expect([one, other]).toEqual([anyTrace, anyTrace]);
    expect(one).not.toBe(other);
  });

  // lambda/latest/dg/services-xray
  it('continues that of the invoking request', async () => {
    const arn = await createFunction(RETURN_TRACE_ID);
    const lambda = client(LambdaClient);
    lambda.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { headers: Record<string, string> }).headers, {
          'X-Amzn-Trace-Id': HEADER,
        });
        return next(args);
      },
      { step: 'build' },
    );
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: arn }));

    expect(JSON.parse(present(Payload).transformToString())).toEqual(sameTrace);
  });

  // step-functions/latest/apireference/API_DescribeExecution and step-functions/latest/dg/concepts-xray-tracing
  it('is stored with the execution and continues in its calls', async () => {
    const arn = await createFunction(RETURN_TRACE_ID);
    const execution = await startTraced(await createMachine({ StartAt: 'A', States: { A: call(arn) } }));

    expect(outputOf(await ended(execution))).toEqual(sameTrace);
    expect(await describeExecution(execution)).toMatchObject({ traceHeader: HEADER });
  });

  // apigateway/latest/developerguide/apigateway-xray
  it('is the same for a route as in the environment of its function', async () => {
    const { url } = await createApi();
    const response = await fetch(`${url}/open`, { headers: { 'X-Amzn-Trace-Id': HEADER } });

    expect(await response.json()).toMatchObject({
      headers: { 'X-Amzn-Trace-Id': HEADER },
      trace: sameTrace,
    });
  });
});

describe('corrected: the segments of a trace', () => {
  const send = signedFetch(root, region, 'xray');
  const get = async (...TraceIds: string[]) => {
    const response = await send(`${endpoint}/Traces`, { method: 'POST', body: JSON.stringify({ TraceIds }) });
    return response.json();
  };

  // xray/latest/api/API_BatchGetTraces and lambda/latest/dg/services-xray
  it('are those of the invoked functions, if the trace is sampled', async () => {
    const arn = await createFunction(RETURN_TRACE_ID);
    const machine = await createMachine({ StartAt: 'A', States: { A: call(arn) } });
    const trace = (end: string, sampled: 0 | 1) => [`1-69259e40-${end.repeat(24)}`, sampled] as const;
    const [kept, dropped] = [trace('a', 1), trace('b', 0)];
    for (const [id, sampled] of [kept, dropped]) {
      const { executionArn } = await sfn.send(
        new StartExecutionCommand({
          stateMachineArn: machine,
          input: '{}',
          traceHeader: `Root=${id};Sampled=${sampled}`,
        }),
      );
      await ended(present(executionArn));
    }

    expect(await get(kept[0], dropped[0])).toEqual({
      Traces: [
        {
          Id: kept[0],
          Segments: [
            {
              Id: expect.stringMatching(/^[0-9a-f]{16}$/),
              Document: expect.stringContaining(`"name": "${arn.split(':').at(-1)}"`),
            },
          ],
        },
      ],
      UnprocessedTraceIds: [dropped[0]],
    });
  });
});
