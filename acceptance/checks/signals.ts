import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { readBusLog } from '../../cli/bus-log.ts';
import { sourceOf } from '../../contracts/events/catalogue.ts';
import { type ServiceKind, serviceKinds } from '../../contracts/services.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { readHistory } from '../../handlers/shared/history.ts';
import { alarmNamed, functionNamed } from '../../infra/names.ts';
import type { Check } from '../check.ts';
import { ownSeries, readCount, waitForCounts } from '../metrics.ts';
import type { DeployedSystem } from '../system.ts';
import { assert, NotApplicable } from '../verdict.ts';
import { readSegmentNames } from '../x-ray.ts';

/** Events, metrics and traces of the system, and the absence of passwords in them. */

/** The names of the events of a provisioning in the logs of both buses. */
async function readEventNames(system: DeployedSystem, provisioningId: string): Promise<string[]> {
  const found = await Promise.all(
    serviceKinds.map((service) => {
      const { connection, outputs } = system[service];
      const filter = { since: system.startedAt, provisioningId };
      return readBusLog({ connection, propose: system.apiContext.propose }, outputs.event_bus_name, filter);
    }),
  );
  return found.flat().map(({ event }) => event.name);
}

/** The trace id of the execution of a provisioning at one of the services. */
async function readTraceId(
  system: DeployedSystem,
  service: ServiceKind,
  id: string,
): Promise<string | undefined> {
  const { connection, outputs } = system[service];
  const { traceHeader = '' } = await connection
    .client(SFNClient)
    .send(new DescribeExecutionCommand({ executionArn: executionArn(outputs.state_machine_arn, id) }));
  return /Root=([^;]+)/.exec(traceHeader)?.[1];
}

/** The logs and executions of this run that contain a text. */
async function findText(system: DeployedSystem, id: string, text: string): Promise<string[]> {
  const locations: string[] = [];
  for (const service of serviceKinds) {
    const { connection, outputs } = system[service];
    const logs = connection.client(CloudWatchLogsClient);
    for (const logGroupName of outputs.log_groups) {
      const search = { logGroupName, startTime: system.startedAt, filterPattern: `"${text}"`, limit: 1 };
      const { events = [] } = await logs.send(new FilterLogEventsCommand(search));
      if (events.length > 0) locations.push(logGroupName);
    }
    const client = connection.client(SFNClient);
    const execution = executionArn(outputs.state_machine_arn, id);
    const { events } = await readHistory(client, execution, { includeExecutionData: true });
    if (JSON.stringify(events).includes(text)) locations.push(execution);
  }
  return locations;
}

/** The alarms of these names that have changed to ALARM since the start of the run. */
async function readRaisedAlarms(
  system: DeployedSystem,
  service: ServiceKind,
  AlarmNames: string[],
): Promise<string[]> {
  const names: string[] = [];
  const client = system[service].connection.client(CloudWatchClient);
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client }, { AlarmNames }))
    for (const { AlarmName = '', StateValue, StateUpdatedTimestamp } of MetricAlarms)
      if (StateValue === 'ALARM' && (StateUpdatedTimestamp?.getTime() ?? 0) >= system.startedAt)
        names.push(AlarmName);
  return names;
}

export const signalChecks: readonly Check[] = [
  {
    name: 'signals/events',
    claim:
      'Each event of the provisionings of this run is in the log of its bus, and there is no other event.',
    async run(system) {
      const { provisioning_id: id } = (await system.example()).provisioning;
      const all = [
        'ServiceUserProvisioningRequested',
        'ServiceUserCreated',
        'ServiceUserProvisioned',
      ] as const;
      system.expectedEvents.set(id, system.expectedEvents.get(id) ?? all);
      const counts = await Promise.all(
        [...system.expectedEvents].map(([one, names]) =>
          system.eventually(async () => {
            const found = [...new Set(await readEventNames(system, one))].sort();
            const expected = [...names].sort();
            assert(
              found.join() === expected.join(),
              `the events of ${one} are: ${found.join(', ') || 'none'}`,
            );
            return found.length;
          }),
        ),
      );
      return `${counts.reduce((sum, count) => sum + count, 0)} events of ${counts.length} provisionings`;
    },
  },
  {
    name: 'signals/metric-filters',
    claim: 'Metric filters count the log entries of buses and state machines.',
    async run(system) {
      await Promise.all([system.example(), failedExample(system)]);
      const target = system.app2.name;
      return waitForCounts(system, [
        ownSeries('app1', 'provisioningsFinished', {
          source: sourceOf('app1'),
          outcome: 'ServiceUserProvisioned',
        }),
        ownSeries('app2', 'provisioningsFinished', {
          source: sourceOf(target),
          outcome: 'ServiceUserCreated',
        }),
        ownSeries('app1', 'provisioningsFailed', { source: sourceOf('app1'), code: 'USER_ALREADY_EXISTS' }),
        ownSeries('app1', 'provisioningsFailedAtTarget', { source: sourceOf('app1'), target }),
        ownSeries('app1', 'callerFailures', { source: sourceOf('app1') }),
        ownSeries('app2', 'callerFailures', { source: sourceOf(target) }),
        ownSeries('app1', 'rollBacksStarted', { service: 'app1', step: 'CancelUserCreation' }),
        ownSeries('app2', 'rollBacksStarted', { service: target, step: 'DeleteUser' }),
      ]);
    },
  },
  {
    name: 'signals/embedded-metrics',
    claim: 'Metrics that functions write into their logs are counted.',
    async run(system) {
      await system.example();
      return waitForCounts(system, [
        ownSeries('app1', 'stepDuration', {
          service: functionNamed('app1', 'call-target'),
          step: 'Authenticate',
        }),
        ownSeries('app2', 'stepDuration', {
          service: functionNamed(system.app2.name, 'set-password'),
          step: 'SetPassword',
        }),
      ]);
    },
  },
  {
    name: 'signals/aws-metrics',
    claim: "AWS's own metrics have the dimensions that alarms and dashboards use.",
    async run(system) {
      await system.example();
      const succeededExecutions = (service: ServiceKind) => ({
        service,
        namespace: 'AWS/States',
        name: 'ExecutionsSucceeded',
        dimensions: { StateMachineArn: system[service].outputs.state_machine_arn },
        statistic: 'Sum' as const,
      });
      return waitForCounts(system, serviceKinds.map(succeededExecutions));
    },
  },
  {
    name: 'signals/no-system-alarm',
    claim: 'Errors of callers do not count as system failures and do not raise the alarm.',
    async run(system) {
      await failedExample(system);
      const counts: number[] = [];
      const alarms: string[] = [];
      for (const service of serviceKinds) {
        const { name } = system[service];
        // When this metric is counted, an earlier system failure is counted, too.
        await waitForCounts(system, [ownSeries(service, 'callerFailures', { source: sourceOf(name) })]);
        counts.push(
          await readCount(system, ownSeries(service, 'systemFailures', { source: sourceOf(name) })),
        );
        alarms.push(...(await readRaisedAlarms(system, service, [alarmNamed(name, 'system-failures')])));
      }
      const [app1 = 0, target = 0] = counts;
      assert(
        app1 + target === 0,
        `SystemFailures has counted ${app1} at App1 and ${target} at ${system.app2.name}`,
      );
      assert(alarms.length === 0, `raised since the start: ${alarms.join(', ')}`);
      return 'SystemFailures has counted nothing, and its alarm is not raised';
    },
  },
  {
    name: 'signals/one-trace',
    claim: 'Both executions of a provisioning belong to the trace of its request.',
    async run(system) {
      const { provisioning_id: id } = (await system.example()).provisioning;
      for (const service of serviceKinds) {
        const trace = await readTraceId(system, service, id);
        assert(trace === system.trace, `the execution ${id} of ${service} belongs to ${trace ?? 'no trace'}`);
      }
      return `${id} is ${system.trace}`;
    },
  },
  {
    name: 'signals/x-ray',
    claim: 'X-Ray has one trace with segments of both services.',
    async run(system) {
      await requireTracing(system);
      await system.example();
      return system.eventually(async () => {
        const names = await readSegmentNames(system, system.trace);
        const missing = serviceKinds.filter(
          (service) => !names.some((name) => name.startsWith(`${system[service].name}-`)),
        );
        assert(missing.length === 0, `the trace ${system.trace} has no segment of ${missing.join(' and ')}`);
        return `${system.trace}: ${names.length} segments`;
      });
    },
  },
  {
    name: 'signals/no-password',
    claim: 'No log of both services and no execution contains the password of a provisioning.',
    async run(system) {
      const { user, provisioning } = await system.example();
      const locations = await findText(system, provisioning.provisioning_id, user.password);
      assert(locations.length === 0, `it is in ${locations.join(', ')}`);
      const groups = serviceKinds.flatMap((service) => system[service].outputs.log_groups);
      return `not in ${groups.length} logs and two histories`;
    },
  },
];

/** Causes a failure by an error of the caller: it requests the username of the example again. */
async function failedExample(system: DeployedSystem): Promise<void> {
  const { user } = await system.example();
  const { provisioning } = await system.provision({ username: user.username });
  assert(
    provisioning.error?.code === 'USER_ALREADY_EXISTS',
    `a second user of the same name finished as ${provisioning.status} ${provisioning.error?.code ?? ''}`,
  );
}

/** @throws NotApplicable where functions are not traced */
async function requireTracing({ app1 }: DeployedSystem): Promise<void> {
  const FunctionName = functionNamed('app1', 'call-target');
  const { TracingConfig } = await app1.connection
    .client(LambdaClient)
    .send(new GetFunctionConfigurationCommand({ FunctionName }));
  if (TracingConfig?.Mode !== 'Active')
    throw new NotApplicable(`tracing is off: the mode of ${FunctionName} is ${TracingConfig?.Mode}`);
}
