import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { readBusLog } from '../../cli/bus-log.ts';
import { eventSources } from '../../contracts/events/catalogue.ts';
import { type Service, services } from '../../contracts/services.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { readHistory } from '../../handlers/shared/history.ts';
import { alarmNamed, functionNamed } from '../../infra/names.ts';
import type { Check } from '../check.ts';
import { allCounted, counted, own } from '../metrics.ts';
import type { DeployedSystem } from '../system.ts';
import { assert, NotApplicable } from '../verdict.ts';
import { segmentsOf } from '../x-ray.ts';

/** What the system says of itself: events, metrics, traces; and what it never says. */

/** The names of the events of a provisioning that came to the logs of both buses. */
async function eventsOf(system: DeployedSystem, provisioningId: string): Promise<string[]> {
  const found = await Promise.all(
    services.map((service) => {
      const { connection, outputs } = system[service];
      const asked = { since: system.begun, provisioningId };
      return readBusLog({ connection, propose: system.asking.propose }, outputs.event_bus_name, asked);
    }),
  );
  return found.flat().map(({ event }) => event.name);
}

/** The execution of a provisioning at one of the services, with its trace. */
async function traceOf(system: DeployedSystem, service: Service, id: string): Promise<string | undefined> {
  const { connection, outputs } = system[service];
  const { traceHeader = '' } = await connection
    .client(SFNClient)
    .send(new DescribeExecutionCommand({ executionArn: executionArn(outputs.state_machine_arn, id) }));
  return /Root=([^;]+)/.exec(traceHeader)?.[1];
}

/** Where a text stands in a log or an execution of this run. */
async function placesOf(system: DeployedSystem, id: string, text: string): Promise<string[]> {
  const places: string[] = [];
  for (const service of services) {
    const { connection, outputs } = system[service];
    const logs = connection.client(CloudWatchLogsClient);
    for (const logGroupName of outputs.log_groups) {
      const asked = { logGroupName, startTime: system.begun, filterPattern: `"${text}"`, limit: 1 };
      const { events = [] } = await logs.send(new FilterLogEventsCommand(asked));
      if (events.length > 0) places.push(logGroupName);
    }
    const client = connection.client(SFNClient);
    const execution = executionArn(outputs.state_machine_arn, id);
    const { events } = await readHistory(client, execution, { includeExecutionData: true });
    if (JSON.stringify(events).includes(text)) places.push(execution);
  }
  return places;
}

/** Alarms of these names that have gone into ALARM since the run began. */
async function raised(system: DeployedSystem, service: Service, AlarmNames: string[]): Promise<string[]> {
  const names: string[] = [];
  const client = system[service].connection.client(CloudWatchClient);
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client }, { AlarmNames }))
    for (const { AlarmName = '', StateValue, StateUpdatedTimestamp } of MetricAlarms)
      if (StateValue === 'ALARM' && (StateUpdatedTimestamp?.getTime() ?? 0) >= system.begun)
        names.push(AlarmName);
  return names;
}

export const signalChecks: readonly Check[] = [
  {
    name: 'signals/events',
    claim:
      'Each event of the provisionings of this run is in the log of its bus, and none that should not be.',
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
            const found = [...new Set(await eventsOf(system, one))].sort();
            const wanted = [...names].sort();
            assert(found.join() === wanted.join(), `of ${one} there is ${found.join(', ') || 'no event'}`);
            return found.length;
          }),
        ),
      );
      return `${counts.reduce((sum, count) => sum + count, 0)} events of ${counts.length} provisionings`;
    },
  },
  {
    name: 'signals/metric-filters',
    claim: 'Metric filters count what the logs of buses and machines say.',
    async run(system) {
      await Promise.all([system.example(), failedExample(system)]);
      return allCounted(system, [
        own('app1', 'provisioningsFinished', { source: eventSources.app1, end: 'ServiceUserProvisioned' }),
        own('app2', 'provisioningsFinished', { source: eventSources.app2, end: 'ServiceUserCreated' }),
        own('app1', 'provisioningsFailed', { source: eventSources.app1, code: 'USER_ALREADY_EXISTS' }),
        own('app1', 'callerFailures', { source: eventSources.app1 }),
        own('app2', 'callerFailures', { source: eventSources.app2 }),
        own('app1', 'rollBacksStarted', { step: 'CancelUserCreation' }),
        own('app2', 'rollBacksStarted', { step: 'DeleteUser' }),
      ]);
    },
  },
  {
    name: 'signals/embedded-metrics',
    claim: 'Metrics that functions write into their logs are counted.',
    async run(system) {
      await system.example();
      return allCounted(system, [
        own('app1', 'stepDuration', { service: functionNamed('app1', 'call-app2'), step: 'Authenticate' }),
        own('app2', 'stepDuration', { service: functionNamed('app2', 'set-password'), step: 'SetPassword' }),
      ]);
    },
  },
  {
    name: 'signals/aws-metrics',
    claim: "AWS's own metrics are where alarms and dashboards look for them.",
    async run(system) {
      await system.example();
      const ofMachine = (service: Service) => ({
        service,
        namespace: 'AWS/States',
        name: 'ExecutionsSucceeded',
        dimensions: { StateMachineArn: system[service].outputs.state_machine_arn },
        statistic: 'Sum' as const,
      });
      return allCounted(system, services.map(ofMachine));
    },
  },
  {
    name: 'signals/no-system-alarm',
    claim: 'Nothing that callers did wrong counts as a failure of the system, or raises its alarm.',
    async run(system) {
      await failedExample(system);
      const counts: number[] = [];
      const alarms: string[] = [];
      for (const service of services) {
        // What comes after this was counted has been counted.
        await allCounted(system, [own(service, 'callerFailures', { source: eventSources[service] })]);
        counts.push(await counted(system, own(service, 'systemFailures', { source: eventSources[service] })));
        alarms.push(...(await raised(system, service, [alarmNamed(service, 'system-failures')])));
      }
      const [app1 = 0, app2 = 0] = counts;
      assert(app1 + app2 === 0, `SystemFailures has counted ${app1} at App1 and ${app2} at App2`);
      assert(alarms.length === 0, `raised since the begin: ${alarms.join(', ')}`);
      return 'SystemFailures has counted nothing, and no alarm for it is raised';
    },
  },
  {
    name: 'signals/one-trace',
    claim: 'Both executions of a provisioning belong to the trace of its request.',
    async run(system) {
      const { provisioning_id: id } = (await system.example()).provisioning;
      for (const service of services) {
        const trace = await traceOf(system, service, id);
        assert(trace === system.trace, `the execution ${id} of ${service} is of ${trace ?? 'no trace'}`);
      }
      return `${id} is ${system.trace}`;
    },
  },
  {
    name: 'signals/x-ray',
    claim: 'X-Ray has one trace with segments of both services.',
    async run(system) {
      await onlyWithTracing(system);
      await system.example();
      return system.eventually(async () => {
        const names = await segmentsOf(system, system.trace);
        const missing = services.filter((service) => !names.some((name) => name.startsWith(`${service}-`)));
        assert(missing.length === 0, `the trace ${system.trace} has no segment of ${missing.join(' and ')}`);
        return `${system.trace}: ${names.length} segments`;
      });
    },
  },
  {
    name: 'signals/no-password',
    claim: 'The password of a provisioning stands in no log of both services and in no execution.',
    async run(system) {
      const { user, provisioning } = await system.example();
      const places = await placesOf(system, provisioning.provisioning_id, user.password);
      assert(places.length === 0, `it stands in ${places.join(', ')}`);
      const groups = services.flatMap((service) => system[service].outputs.log_groups);
      return `not in ${groups.length} logs and two histories`;
    },
  },
];

/** One that failed by a mistake of its caller, with its name taken by the user of the example. */
async function failedExample(system: DeployedSystem): Promise<void> {
  const { user } = await system.example();
  const { provisioning } = await system.provision({ username: user.username });
  assert(
    provisioning.error?.code === 'USER_ALREADY_EXISTS',
    `a second user of one name ended as ${provisioning.status} ${provisioning.error?.code ?? ''}`,
  );
}

/** @throws NotApplicable where functions are not traced */
async function onlyWithTracing({ app1 }: DeployedSystem): Promise<void> {
  const FunctionName = functionNamed('app1', 'call-app2');
  const { TracingConfig } = await app1.connection
    .client(LambdaClient)
    .send(new GetFunctionConfigurationCommand({ FunctionName }));
  if (TracingConfig?.Mode !== 'Active')
    throw new NotApplicable(`tracing is off: the mode of ${FunctionName} is ${TracingConfig?.Mode}`);
}
