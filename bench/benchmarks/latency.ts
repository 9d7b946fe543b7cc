import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KMSClient } from '@aws-sdk/client-kms';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import type { Outputs } from '../../cli/outputs.ts';
import { signedFetch } from '../../cli/signed-fetch.ts';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { systemOf } from '../../local/system.ts';
import { budget } from '../budget.ts';
import { sevenCalls } from '../functions/work.ts';
import { createBenchStack } from '../support/bench-stack.ts';
import { withBenchAws } from '../support/local-aws.ts';
import { functionsUsed } from '../support/processes.ts';
import { rounded, type Summary, summarize, timed } from '../support/statistics.ts';

/** How much is measured. */
export interface Extent {
  /** Rounds, of each kind of measurement one after the other. */
  rounds: number;
  /** Provisionings for each number at once. */
  many: Record<'10' | '50', number>;
  /** Seconds of the sustained load. */
  seconds: number;
  colds: number;
}
export const full: Extent = { rounds: 50, many: { 10: 60, 50: 150 }, seconds: 20, colds: 3 };
export const quick: Extent = { rounds: 4, many: { 10: 10, 50: 50 }, seconds: 4, colds: 1 };

export interface Latencies {
  /** A function that does nothing, behind App1's API. */
  bare: Summary;
  /** POST of a provisioning until 202. */
  post: Summary;
  /** A function that makes the calls of a POST and nothing else, behind App1's API. */
  intake: Summary;
  /** From POST to SUCCEEDED, by the number of provisionings at once. */
  succeeded: Record<'1' | '10' | '50', Summary>;
  /** The seven calls, from one process. */
  floor: Summary;
  /** The seven calls in one function, behind App1's API. */
  synchronous: Summary;
  /** As many states and functions as a provisioning has, which do nothing. */
  empty: Summary;
  /** From POST to SUCCEEDED when every function starts cold. */
  cold: Summary;
  /** Provisionings a second, ten at once all the time. */
  sustained: number;
  /** Milliseconds of a core for one invocation, and the most memory of a function in MB; `null` where not known. */
  functions: { computing: number; memory: number } | null;
}

/** Measures everything on one local AWS, in turns, so that what disturbs one disturbs all. */
export const latencies = (extent: Extent): Promise<Latencies> =>
  withBenchAws(async (outputs) => {
    const bench = await benchOn(outputs);
    const one = {
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
      for (const [what, milliseconds] of Object.entries(round))
        one[what as keyof typeof round].push(milliseconds);
    }
    const many = async (atOnce: '10' | '50') => {
      const limit = pLimit(Number(atOnce));
      const all = Array.from({ length: extent.many[atOnce] }, () =>
        limit(() => bench.provisioning(Number(atOnce))),
      );
      return (await Promise.all(all)).map(({ succeeded }) => succeeded);
    };
    await many('10'); // starts the functions that more at once need
    const before = functionsUsed();
    const ten = await many('10');
    const after = functionsUsed();
    const fifty = await many('50');
    const sustained = await bench.sustained(extent.seconds, 10);
    const cold: number[] = [];
    for (let n = 0; n < extent.colds; n += 1) {
      await bench.restart();
      cold.push((await bench.provisioning()).succeeded);
    }
    return {
      bare: summarize(one.bare),
      post: summarize(one.post),
      intake: summarize(one.intake),
      succeeded: { 1: summarize(one.succeeded), 10: summarize(ten), 50: summarize(fifty) },
      floor: summarize(one.floor),
      synchronous: summarize(one.synchronous),
      empty: summarize(one.empty),
      cold: summarize(cold),
      sustained: rounded(sustained),
      functions:
        before === undefined || after === undefined
          ? null
          : {
              computing: rounded((after.computing - before.computing) / (ten.length * budget.invocations)),
              memory: Math.round(after.memory),
            },
    };
  });

async function benchOn(outputs: Outputs) {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const configuration = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
  const system = systemOf(outputs);
  const stack = await createBenchStack(outputs);
  const stepFunctions = new SFNClient(configuration);
  const clients = {
    kms: new KMSClient(configuration),
    cognito: new CognitoIdentityProviderClient(configuration),
    events: new EventBridgeClient(configuration),
  };
  const fetchSigned = signedFetch(configuration.credentials, region);
  const name = (what: string) => `${what}-${randomBytes(6).toString('hex')}`;

  const ask = (url: string) =>
    timed(async () => {
      const response = await fetchSigned(url, { method: 'POST', body: '{}' });
      if (!response.ok) throw new Error(`${url} answered with ${response.status}: ${await response.text()}`);
      await response.text();
    });

  /** Pause between two looks in milliseconds; looks of many would keep the local AWS busy. */
  const pauseAt = (atOnce: number): number => 60 + 40 * atOnce;

  /** The end of an execution, in milliseconds since the epoch, by the clock of the local AWS, which is ours. */
  const endOf = async (executionArn: string, atOnce = 1): Promise<{ begun: number; ended: number }> => {
    for (;;) {
      const { status, startDate, stopDate } = await stepFunctions.send(
        new DescribeExecutionCommand({ executionArn }),
      );
      if (status !== 'RUNNING') {
        if (status !== 'SUCCEEDED') throw new Error(`${executionArn} is ${status}.`);
        return { begun: startDate?.getTime() ?? 0, ended: stopDate?.getTime() ?? 0 };
      }
      await setTimeout(pauseAt(atOnce));
    }
  };

  const provisioning = async (atOnce = 1): Promise<{ post: number; succeeded: number }> => {
    const request = { username: name('bench'), password: name('Pw-1A'), human_user_id: 'h-1' };
    const sent = Date.now();
    let id = '';
    const post = await timed(async () => {
      const { status, body } = await system.provision(request);
      if (status !== 202) throw new Error(`App1 answered with ${status}: ${JSON.stringify(body)}`);
      id = provisioningAccepted.parse(body).provisioning_id;
    });
    const { ended } = await endOf(executionArn(outputs.app1.state_machine_arn, id), atOnce);
    return { post, succeeded: ended - sent };
  };

  const empty = async (): Promise<number> => {
    const { executionArn = '' } = await stepFunctions.send(
      new StartExecutionCommand({ stateMachineArn: stack.emptyMachine, name: name('empty') }),
    );
    const { begun, ended } = await endOf(executionArn);
    return ended - begun;
  };

  return {
    provisioning,

    async round() {
      return {
        bare: await ask(stack.bare),
        ...(await provisioning()),
        intake: await ask(stack.intake),
        floor: await timed(() => sevenCalls(clients, stack.target, name('floor'))),
        synchronous: await ask(stack.synchronous),
        empty: await empty(),
      };
    },

    /** How many provisionings succeed in a second while so many are under way all the time. */
    async sustained(seconds: number, atOnce: number): Promise<number> {
      const end = performance.now() + seconds * 1_000;
      let done = 0;
      const begun = performance.now();
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          while (performance.now() < end) {
            await provisioning();
            done += 1;
          }
        }),
      );
      return done / ((performance.now() - begun) / 1_000);
    },

    /** Has the next call of every function begin in a new environment. */
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
