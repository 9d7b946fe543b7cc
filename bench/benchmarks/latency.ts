import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KMSClient } from '@aws-sdk/client-kms';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import type { Outputs } from '../../cli/outputs.ts';
import { signedFetch } from '../../cli/signed-fetch.ts';
import { budgetOf } from '../budget.ts';
import { sevenCalls } from '../functions/work.ts';
import { createBenchStack } from '../support/bench-stack.ts';
import { withBenchAws } from '../support/local-aws.ts';
import { readFunctionUsage } from '../support/processes.ts';
import { newName, provisionerOf } from '../support/provisioner.ts';
import { rounded, type Summary, summarize, timed } from '../support/statistics.ts';

/** Numbers of measurements. */
export interface Extent {
  /** Rounds; each round takes one measurement of each kind. */
  rounds: number;
  /** Provisionings for each number of concurrent ones. */
  concurrent: Record<'10' | '50', number>;
  /** Seconds of the sustained load. */
  seconds: number;
  coldStarts: number;
}
export const full: Extent = { rounds: 50, concurrent: { 10: 60, 50: 150 }, seconds: 20, coldStarts: 3 };
export const quick: Extent = { rounds: 4, concurrent: { 10: 10, 50: 50 }, seconds: 4, coldStarts: 1 };

export interface Latencies {
  /** An empty function behind App1's API. */
  bare: Summary;
  /** POST of a provisioning until 202. */
  post: Summary;
  /** A function behind App1's API that only makes the calls of a POST. */
  intake: Summary;
  /** From POST to SUCCEEDED, by the number of concurrent provisionings. */
  succeeded: Record<'1' | '10' | '50', Summary>;
  /** The seven calls, from one process. */
  floor: Summary;
  /** The seven calls in one function behind App1's API. */
  synchronous: Summary;
  /** The number of states and functions of a provisioning, all of them empty. */
  empty: Summary;
  /** From POST to SUCCEEDED when every function starts cold. */
  cold: Summary;
  /** Provisionings per second with ten concurrent ones. */
  sustained: number;
  /** CPU time of one invocation in milliseconds, and the peak memory of a function in MB; `null` where not known. */
  functions: { computing: number; memory: number } | null;
}

/** Measures everything on one local AWS, alternately, so that a disturbance affects all measurements. */
export const latencies = (extent: Extent): Promise<Latencies> =>
  withBenchAws([], async (outputs) => {
    const bench = await benchOn(outputs);
    const measurements = {
      bare: [],
      post: [],
      intake: [],
      succeeded: [],
      floor: [],
      synchronous: [],
      empty: [],
    } as Record<'bare' | 'post' | 'intake' | 'succeeded' | 'floor' | 'synchronous' | 'empty', number[]>;
    for (let n = 0; n < 3; n += 1) await bench.round(); // warms up
    for (let n = 0; n < extent.rounds; n += 1) {
      const round = await bench.round();
      for (const [name, milliseconds] of Object.entries(round))
        measurements[name as keyof typeof round].push(milliseconds);
    }
    const measureConcurrent = async (concurrency: '10' | '50') => {
      const limit = pLimit(Number(concurrency));
      const all = Array.from({ length: extent.concurrent[concurrency] }, () =>
        limit(() => bench.provisioning({ concurrency: Number(concurrency) })),
      );
      return (await Promise.all(all)).map(({ succeeded }) => succeeded);
    };
    await measureConcurrent('10'); // starts the functions that ten concurrent provisionings need
    const before = readFunctionUsage();
    const ten = await measureConcurrent('10');
    const after = readFunctionUsage();
    const fifty = await measureConcurrent('50');
    const sustained = await bench.sustained(extent.seconds, 10);
    const cold: number[] = [];
    for (let n = 0; n < extent.coldStarts; n += 1) {
      await bench.restart();
      cold.push((await bench.provisioning()).succeeded);
    }
    return {
      bare: summarize(measurements.bare),
      post: summarize(measurements.post),
      intake: summarize(measurements.intake),
      succeeded: { 1: summarize(measurements.succeeded), 10: summarize(ten), 50: summarize(fifty) },
      floor: summarize(measurements.floor),
      synchronous: summarize(measurements.synchronous),
      empty: summarize(measurements.empty),
      cold: summarize(cold),
      sustained: rounded(sustained),
      functions:
        before === undefined || after === undefined
          ? null
          : {
              computing: rounded(
                (after.computing - before.computing) / (ten.length * budgetOf(1).invocations),
              ),
              memory: Math.round(after.memory),
            },
    };
  });

async function benchOn(outputs: Outputs) {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const configuration = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
  const stack = await createBenchStack(outputs);
  const { stepFunctions, waitForSuccess, provisioning } = provisionerOf(outputs);
  const clients = {
    kms: new KMSClient(configuration),
    cognito: new CognitoIdentityProviderClient(configuration),
    events: new EventBridgeClient(configuration),
  };
  const fetchSigned = signedFetch(configuration.credentials, region);

  const post = (url: string) =>
    timed(async () => {
      const response = await fetchSigned(url, { method: 'POST', body: '{}' });
      if (!response.ok) throw new Error(`${url} responded with ${response.status}: ${await response.text()}`);
      await response.text();
    });

  const empty = async (): Promise<number> => {
    const { executionArn = '' } = await stepFunctions.send(
      new StartExecutionCommand({ stateMachineArn: stack.emptyMachine, name: newName('empty') }),
    );
    const { startedAt, stoppedAt } = await waitForSuccess(executionArn);
    return stoppedAt - startedAt;
  };

  return {
    provisioning,

    async round() {
      return {
        bare: await post(stack.bare),
        ...(await provisioning()),
        intake: await post(stack.intake),
        floor: await timed(() => sevenCalls(clients, stack.target, newName('floor'))),
        synchronous: await post(stack.synchronous),
        empty: await empty(),
      };
    },

    /** Provisionings that succeed per second while a constant number of them is in progress. */
    async sustained(seconds: number, concurrency: number): Promise<number> {
      const startedAt = performance.now();
      const end = startedAt + seconds * 1_000;
      let succeeded = 0;
      await Promise.all(
        Array.from({ length: concurrency }, async () => {
          while (performance.now() < end) {
            await provisioning();
            succeeded += 1;
          }
        }),
      );
      return succeeded / ((performance.now() - startedAt) / 1_000);
    },

    /** Makes the next invocation of every function start in a new execution environment. */
    async restart(): Promise<void> {
      const lambda = new LambdaClient(configuration);
      const names = [...outputs.app1.log_groups, ...outputs.app2.log_groups].flatMap((group) =>
        group.startsWith('/aws/lambda/') ? [group.replace('/aws/lambda/', '')] : [],
      );
      for (const FunctionName of names) {
        const { MemorySize } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, MemorySize }));
      }
    },
  };
}
