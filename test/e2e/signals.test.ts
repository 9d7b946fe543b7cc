import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { GetQueryResultsCommand, StartQueryCommand } from '@aws-sdk/client-cloudwatch-logs';
import { AdminCreateUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { metrics, NAMESPACE, seriesOf } from '../../handlers/shared/metrics.ts';
import { withTarget } from '../../local/harness/variables.ts';
import { withoutPermission } from '../../local/harness/without-permission.ts';
import type { Machine } from '../../local/system.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { expectNoLeak } from '../support/leaks.ts';
import {
  configuration,
  eventsOf,
  newRequest,
  outputs,
  provision,
  restart,
  start,
  system,
  waitForCompletion,
} from './support/deployed.ts';

/** Logs, traces and metrics of the running system. */

const cloudWatch = new CloudWatchClient(configuration);
const { logs, stepFunctions, cognito } = system.clients;
const startedAt = new Date(Math.floor(Date.now() / 1000) * 1000);

const newTrace = () => `1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;

/** Fields of the log lines of functions; AWS defines the lines of state machines and event buses. */
const line = z.looseObject({
  service: z.string().optional(),
  message: z.string().optional(),
  step: z.string().optional(),
  provisioning_id: z.string().optional(),
  trace_id: z.string().optional(),
});
type Line = z.infer<typeof line>;

/** The query of docs/observability.md. */
const page = readFileSync(join(root, 'docs', 'observability.md'), 'utf8');
const documented = /^fields .+$/m.exec(page)?.[0] ?? '';

/** All log lines of both services that contain an id, by one query, in the order of their time. */
async function linesWith(id: string): Promise<Line[]> {
  const { queryId } = await logs.send(
    new StartQueryCommand({
      logGroupNames: [...outputs.app1.log_groups, ...outputs.app2.log_groups],
      startTime: startedAt.getTime() / 1000,
      endTime: Math.ceil(Date.now() / 1000) + 60,
      queryString: documented.replace('$ID', id),
    }),
  );
  const results = await eventually(async () => {
    const { status, results: found = [] } = await logs.send(new GetQueryResultsCommand({ queryId }));
    expect(status).toBe('Complete');
    return found;
  });
  return results.map((fields) => {
    const message = fields.find(({ field }) => field === '@message')?.value ?? '';
    return line.parse(JSON.parse(message));
  });
}

const stepsIn = (lines: Line[]) =>
  lines.flatMap(({ service, step, message }) =>
    step === undefined ? [] : [`${service} ${step}: ${message}`],
  );
const messagesOf = (lines: Line[], functionName: string) =>
  lines.flatMap(({ service, message }) => (service === functionName ? [message] : []));

const executionOf = async (machine: Machine, id: string) => {
  const executionArn = await system.executionArn(machine, id);
  return stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
};

/** Sum of a metric since the start of these tests. */
async function sumOf(metric: keyof typeof metrics, values: Record<string, string>): Promise<number> {
  expect(Object.keys(values)).toEqual(metrics[metric].dimensions);
  const { name, dimensions } = seriesOf(metric, values);
  const { Datapoints = [] } = await cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace: NAMESPACE,
      MetricName: name,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      StartTime: startedAt,
      EndTime: new Date(Date.now() + 60_000),
      Period: 60,
      Statistics: ['Sum'],
    }),
  );
  return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0);
}

/** Runs a function, and waits until it has increased a metric. */
async function expectIncrease<Result>(
  metric: keyof typeof metrics,
  dimensions: Record<string, string>,
  run: () => Promise<Result>,
): Promise<Result> {
  const before = await sumOf(metric, dimensions);
  const result = await run();
  await eventually(async () => expect(await sumOf(metric, dimensions)).toBeGreaterThan(before));
  return result;
}

describe('one request', () => {
  it('is found in both services by one query, in order, by its trace id or by its provisioning id', async () => {
    const trace = newTrace();
    const request = newRequest();
    await restart('app1-call-target');
    const id = await start(request, { 'X-Amzn-Trace-Id': `Root=${trace};Parent=53995c3f42cd8ad8;Sampled=1` });

    await expect(waitForCompletion(id)).resolves.toMatchObject({ status: 'SUCCEEDED' });

    await eventsOf(id, ['ServiceUserProvisioningRequested', 'ServiceUserCreated', 'ServiceUserProvisioned']);

    const byTrace = await linesWith(trace);
    const byId = await linesWith(id);

    expect(stepsIn(byTrace)).toEqual([
      'app1-call-target Authenticate: Step succeeded',
      'app1-encrypt-credentials EncryptCredentials: Step succeeded',
      'app2-decrypt-credentials DecryptCredentials: Step succeeded',
      'app2-create-user CreateUser: Step succeeded',
      'app2-set-password SetPassword: Step succeeded',
      'app2-add-to-group AddToGroup: Step succeeded',
      'app1-call-target RequestUserCreation: Provisioning resumed',
      'app1-call-target RequestUserCreation: Step succeeded',
    ]);
    expect(messagesOf(byTrace, 'app1-start-provisioning')).toEqual([
      'Provisioning started',
      'Request completed',
    ]);
    expect(messagesOf(byTrace, 'app2-start-user-creation')).toEqual([
      'User creation started',
      'Request completed',
    ]);
    // The query finds events by both ids, and the log lines of state machines by the provisioning id.
    expect(byTrace.filter((found) => 'detail-type' in found)).toHaveLength(3);
    expect(byId.filter((found) => 'execution_arn' in found).length).toBeGreaterThan(10);

    const functions = byId.filter(({ service }) => service !== undefined);

    expect(functions.length).toBeGreaterThan(10);
    for (const found of byTrace.filter(({ service }) => service !== undefined))
      expect(found).toMatchObject({ provisioning_id: id, trace_id: trace });
    expect(stepsIn(byId)).toEqual(stepsIn(byTrace));
    expectNoLeak(request.password, JSON.stringify([byTrace, byId]));
  });

  it('is one trace in both executions, and in the executions of its roll-back', async () => {
    const trace = newTrace();
    const id = await start(newRequest(), { 'X-Amzn-Trace-Id': `Root=${trace};Sampled=1` });
    await waitForCompletion(id);
    await system.deprovision(id, { 'X-Amzn-Trace-Id': `Root=${trace};Sampled=1` });

    for (const machine of [
      'ProvisionServiceUser',
      'CreateServiceUser',
      'RollBackProvisioning',
      'RollBackServiceUser',
    ] as const)
      await eventually(
        () =>
          expect(executionOf(machine, id)).resolves.toMatchObject({
            traceHeader: expect.stringMatching(
              new RegExp(`^Root=${trace};Parent=(?!53995c3f42cd8ad8)[0-9a-f]{16};Sampled=1$`),
            ),
            input: expect.stringContaining(trace),
          }),
        20_000,
      );
  });

  it('has one trace in both services even if it was sent without a trace header', async () => {
    const { provisioning_id: id } = await provision(newRequest());
    const traces = (await linesWith(id)).flatMap(({ trace_id, service }) =>
      // Requests for the status have traces of their own.
      trace_id === undefined || service === 'app1-get-provisioning' ? [] : [trace_id],
    );

    expect(new Set(traces).size).toBe(1);
    expect((await executionOf('CreateServiceUser', id)).traceHeader).toContain(`Root=${traces[0]};`);
  });
});

describe('metrics', () => {
  it('count a successful provisioning, its steps, and the use of its token', async () => {
    const [app1, app2] = ['app1.provisioning', 'app2.service-users'];
    await restart('app1-call-target');
    const service = 'app1-call-target';

    await expectIncrease('targetTokenMisses', { service }, () =>
      expectIncrease('targetTokenHits', { service }, () =>
        expectIncrease('provisioningsFinished', { source: app1, outcome: 'ServiceUserProvisioned' }, () =>
          expectIncrease('provisioningsFinished', { source: app2, outcome: 'ServiceUserCreated' }, () =>
            expectIncrease('stepDuration', { service: 'app2-set-password', step: 'SetPassword' }, () =>
              provision(newRequest()),
            ),
          ),
        ),
      ),
    );
  });

  it('count a failure by its code, its category, its step and its compensation', async () => {
    const request = newRequest();
    const { user_pool_id: UserPoolId } = outputs.app2;
    await cognito.send(new AdminCreateUserCommand({ UserPoolId, Username: request.username }));
    const [app1, app2] = ['app1.provisioning', 'app2.service-users'];
    const failure = { service: 'app2-create-user', step: 'CreateUser', error: 'UserAlreadyExists' };
    const system = await sumOf('systemFailures', { source: app1 });

    await expectIncrease('provisioningsFailed', { source: app1, code: 'USER_ALREADY_EXISTS' }, () =>
      expectIncrease('provisioningsFailed', { source: app2, code: 'USER_ALREADY_EXISTS' }, () =>
        expectIncrease('callerFailures', { source: app1 }, () =>
          expectIncrease('stepFailures', failure, () =>
            expectIncrease('rollBacksStarted', { service: 'app1', step: 'CancelUserCreation' }, () =>
              expectIncrease('rollBacksStarted', { service: 'app2', step: 'DeleteUser' }, () =>
                provision(request),
              ),
            ),
          ),
        ),
      ),
    );

    expect(await sumOf('systemFailures', { source: app1 })).toBe(system);
  });

  it('count a retry of a step', async () => {
    const step = { service: 'app1-call-target', step: 'RequestUserCreation' };
    const failure = { ...step, error: 'TargetUnavailable' };

    const id = await expectIncrease('stepRetries', step, () =>
      withTarget(outputs, 'app1-call-target', 'app2', { api_url: 'http://127.0.0.1:9' }, () =>
        expectIncrease('stepFailures', failure, () => start(newRequest())),
      ),
    );

    await expect(waitForCompletion(id)).resolves.toMatchObject({ status: 'SUCCEEDED' });
  });

  it('count an event that was published by a retry', async () => {
    const { state_machine_arn: stateMachineArn } = outputs.app1;

    await expectIncrease('eventsNotPublished', { service: 'app1' }, async () => {
      const id = await withoutPermission(outputs, { stateMachineArn }, 'events:PutEvents', async () => {
        const started = await start(newRequest());
        await eventually(async () => {
          const [publishing] = await system.states('ProvisionServiceUser', started);
          expect(publishing?.errors.length).toBeGreaterThan(0);
        });
        return started;
      });
      await expect(waitForCompletion(id)).resolves.toMatchObject({ status: 'SUCCEEDED' });
    });
  });
});
