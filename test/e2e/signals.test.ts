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
import { metrics, NAMESPACE } from '../../handlers/shared/metrics.ts';
import { withoutPermission } from '../../local/harness/without-permission.ts';
import type { Machine } from '../../local/system.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { expectNoLeak } from '../support/leaks.ts';
import {
  configuration,
  ended,
  eventsOf,
  newRequest,
  outputs,
  provision,
  restart,
  start,
  system,
  withVariable,
} from './support/deployed.ts';

/** What the system says of itself while it works: its logs, traces and metrics. */

const cloudWatch = new CloudWatchClient(configuration);
const { logs, stepFunctions, cognito } = system.clients;
const begun = new Date(Math.floor(Date.now() / 1000) * 1000);

const newTrace = () => `1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;

/** The lines of functions have these fields; those of machines and buses are the platform's. */
const line = z.looseObject({
  service: z.string().optional(),
  message: z.string().optional(),
  step: z.string().optional(),
  provisioning_id: z.string().optional(),
  trace_id: z.string().optional(),
});
type Line = z.infer<typeof line>;

/** The query that docs/observability.md gives. */
const page = readFileSync(join(root, 'docs', 'observability.md'), 'utf8');
const documented = /^fields .+$/m.exec(page)?.[0] ?? '';

/** All lines of both services in which an id stands, by one query, in the order of their time. */
async function linesWith(id: string): Promise<Line[]> {
  const { queryId } = await logs.send(
    new StartQueryCommand({
      logGroupNames: [...outputs.app1.log_groups, ...outputs.app2.log_groups],
      startTime: begun.getTime() / 1000,
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
const saidBy = (lines: Line[], wanted: string) =>
  lines.flatMap(({ service, message }) => (service === wanted ? [message] : []));

const executionOf = async (machine: Machine, id: string) => {
  const executionArn = await system.executionArn(machine, id);
  return stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
};

/** What a metric has counted since these tests began. */
async function counted(metric: keyof typeof metrics, dimensions: Record<string, string>): Promise<number> {
  expect(Object.keys(dimensions)).toEqual(metrics[metric].dimensions);
  const { Datapoints = [] } = await cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace: NAMESPACE,
      MetricName: metrics[metric].name,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      StartTime: begun,
      EndTime: new Date(Date.now() + 60_000),
      Period: 60,
      Statistics: ['Sum'],
    }),
  );
  return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0);
}

/** Waits until a metric has counted more than before. */
async function grown<Result>(
  metric: keyof typeof metrics,
  dimensions: Record<string, string>,
  run: () => Promise<Result>,
): Promise<Result> {
  const before = await counted(metric, dimensions);
  const result = await run();
  await eventually(async () => expect(await counted(metric, dimensions)).toBeGreaterThan(before));
  return result;
}

describe('one request', () => {
  it('is followed by one query through both services, in order, by its trace as by its id', async () => {
    const trace = newTrace();
    const request = newRequest();
    await restart('app1-call-app2');
    const id = await start(request, { 'X-Amzn-Trace-Id': `Root=${trace};Parent=53995c3f42cd8ad8;Sampled=1` });
    await expect(ended(id)).resolves.toMatchObject({ status: 'SUCCEEDED' });
    await eventsOf(id, ['ServiceUserProvisioningRequested', 'ServiceUserCreated', 'ServiceUserProvisioned']);

    const byTrace = await linesWith(trace);
    const byId = await linesWith(id);

    expect(stepsIn(byTrace)).toEqual([
      'app1-call-app2 Authenticate: Step done',
      'app1-encrypt-credentials EncryptCredentials: Step done',
      'app2-decrypt-credentials DecryptCredentials: Step done',
      'app2-create-user CreateUser: Step done',
      'app2-set-password SetPassword: Step done',
      'app2-add-to-group AddToGroup: Step done',
      'app1-call-app2 RequestUserCreation: Provisioning resumed',
      'app1-call-app2 RequestUserCreation: Step done',
    ]);
    expect(saidBy(byTrace, 'app1-start-provisioning')).toEqual(['Provisioning started', 'Request answered']);
    expect(saidBy(byTrace, 'app2-start-user-creation')).toEqual([
      'User creation started',
      'Request answered',
    ]);
    // Events and what the machines log are found, too: by the one id or by both.
    expect(byTrace.filter((found) => 'detail-type' in found)).toHaveLength(3);
    expect(byId.filter((found) => 'execution_arn' in found).length).toBeGreaterThan(10);

    const functions = byId.filter(({ service }) => service !== undefined);
    expect(functions.length).toBeGreaterThan(10);
    for (const found of byTrace.filter(({ service }) => service !== undefined))
      expect(found).toMatchObject({ provisioning_id: id, trace_id: trace });
    expect(stepsIn(byId)).toEqual(stepsIn(byTrace));
    expectNoLeak(request.password, JSON.stringify([byTrace, byId]));
  });

  it('is one trace in both executions, and in those that remove what it made', async () => {
    const trace = newTrace();
    const id = await start(newRequest(), { 'X-Amzn-Trace-Id': `Root=${trace};Sampled=1` });
    await ended(id);
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

  it('that began without a trace has one all the same, one for both services', async () => {
    const { provisioning_id: id } = await provision(newRequest());
    const traces = (await linesWith(id)).flatMap(({ trace_id, service }) =>
      // Those who ask for the status do so by requests of their own.
      trace_id === undefined || service === 'app1-get-provisioning' ? [] : [trace_id],
    );

    expect(new Set(traces).size).toBe(1);
    expect((await executionOf('CreateServiceUser', id)).traceHeader).toContain(`Root=${traces[0]};`);
  });
});

describe('metrics', () => {
  it('count a provisioning that went well, its steps, and the token that served it', async () => {
    const [app1, app2] = ['app1.provisioning', 'app2.service-users'];
    await restart('app1-call-app2');
    const service = 'app1-call-app2';
    await grown('app2TokenMisses', { service }, () =>
      grown('app2TokenHits', { service }, () =>
        grown('provisioningsEnded', { source: app1, end: 'ServiceUserProvisioned' }, () =>
          grown('provisioningsEnded', { source: app2, end: 'ServiceUserCreated' }, () =>
            grown('stepDuration', { service: 'app2-set-password', step: 'SetPassword' }, () =>
              provision(newRequest()),
            ),
          ),
        ),
      ),
    );
  });

  it('count a failure by its code, whose matter it is, the step and the undo', async () => {
    const request = newRequest();
    const { user_pool_id: UserPoolId } = outputs.app2;
    await cognito.send(new AdminCreateUserCommand({ UserPoolId, Username: request.username }));
    const [app1, app2] = ['app1.provisioning', 'app2.service-users'];
    const failure = { service: 'app2-create-user', step: 'CreateUser', error: 'UserAlreadyExists' };
    const system = await counted('systemFailures', { source: app1 });

    await grown('provisioningsFailed', { source: app1, code: 'USER_ALREADY_EXISTS' }, () =>
      grown('provisioningsFailed', { source: app2, code: 'USER_ALREADY_EXISTS' }, () =>
        grown('callerFailures', { source: app1 }, () =>
          grown('stepFailures', failure, () =>
            grown('rollBacksStarted', { step: 'CancelUserCreation' }, () =>
              grown('rollBacksStarted', { step: 'DeleteUser' }, () => provision(request)),
            ),
          ),
        ),
      ),
    );
    expect(await counted('systemFailures', { source: app1 })).toBe(system);
  });

  it('count an attempt that is not the first of its step', async () => {
    const step = { service: 'app1-call-app2', step: 'RequestUserCreation' };
    const failure = { ...step, error: 'TargetUnavailable' };

    const id = await grown('stepRetries', step, () =>
      withVariable('app1-call-app2', 'APP2_API_URL', 'http://127.0.0.1:9', () =>
        grown('stepFailures', failure, () => start(newRequest())),
      ),
    );

    await expect(ended(id)).resolves.toMatchObject({ status: 'SUCCEEDED' });
  });

  it('count an event that was published only at another attempt', async () => {
    const { state_machine_arn: stateMachineArn } = outputs.app1;
    await grown('app1EventsNotPublished', {}, async () => {
      const id = await withoutPermission(outputs, { stateMachineArn }, 'events:PutEvents', async () => {
        const started = await start(newRequest());
        await eventually(async () => {
          const [announcing] = await system.states('ProvisionServiceUser', started);
          expect(announcing?.errors.length).toBeGreaterThan(0);
        });
        return started;
      });
      await expect(ended(id)).resolves.toMatchObject({ status: 'SUCCEEDED' });
    });
  });
});
