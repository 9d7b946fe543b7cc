import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import type { Service } from '../../../contracts/services.ts';
import type { Aws } from '../../../trace/aws.ts';
import type { ServiceThere } from '../../../trace/connect.ts';
import type { History } from '../../support/history.ts';
import { type MachineName, machines } from './machines.ts';

const arnOf = (machine: MachineName) => `arn:aws:states:eu-west-1:111111111111:stateMachine:${machine}`;

/** TargetEnvironment the fake services are. */
export const services: ServiceThere[] = [
  {
    service: 'app1',
    machine: arnOf('ProvisionServiceUser'),
    rollBackMachine: arnOf('RollBackProvisioning'),
    eventsLog: '/aws/events/app1',
  },
  {
    service: 'app2',
    machine: arnOf('CreateServiceUser'),
    rollBackMachine: arnOf('RollBackServiceUser'),
    eventsLog: '/aws/events/app2',
  },
];

/** An AWS with these executions and events, which counts what it is asked. */
export class FakeAws implements Aws {
  readonly #executions: { machine: string; described: DescribeExecutionOutput; history: History }[] = [];
  readonly #messages: { log: string; at: Date; message: string }[] = [];
  readonly #definitions: Partial<Record<MachineName, string>>;
  /** How often it was asked for which execution. */
  readonly asked: Record<'execution' | 'history' | 'definition', string[]> = {
    execution: [],
    history: [],
    definition: [],
  };

  /** `definitions` of machines that are to be others than usual. */
  constructor(definitions: Partial<Record<MachineName, string>> = {}) {
    this.#definitions = definitions;
  }

  /** Adds an execution, or tells the one of this name anew. Its end is that of its history. */
  put(machine: MachineName, name: string, input: unknown, history: History): this {
    const events = history.events();
    const [first, last] = [events[0], events.at(-1)];
    const { error, cause } = last?.executionFailedEventDetails ?? last?.executionAbortedEventDetails ?? {};
    const status = statuses[last?.type ?? ''] ?? 'RUNNING';
    const executionArn = `${arnOf(machine).replace(':stateMachine:', ':execution:')}:${name}`;
    const before = this.#executions.findIndex(({ described }) => described.executionArn === executionArn);
    if (before >= 0) this.#executions.splice(before, 1);
    this.#executions.push({
      machine: arnOf(machine),
      history,
      described: {
        executionArn,
        stateMachineArn: arnOf(machine),
        name,
        status,
        startDate: first?.timestamp,
        ...(status === 'RUNNING' ? {} : { stopDate: last?.timestamp }),
        input: JSON.stringify(input),
        error,
        cause,
        ...(status === 'SUCCEEDED' ? { output: '{}' } : {}),
      },
    });
    return this;
  }

  /** Adds an audit event to a service's log. */
  publish(service: Service, id: string, sequence: number, name: string, at: Date, data: object = {}): this {
    const message = JSON.stringify({
      'detail-type': name,
      source: service,
      detail: {
        metadata: {
          provisioning_id: id,
          event_id: `${id}:${sequence}:${name}`,
          occurred_at: at.toISOString(),
          sequence,
        },
        data,
      },
    });
    this.#messages.push({ log: `/aws/events/${service}`, at, message });
    return this;
  }

  async executions(machine: string, since: Date, limit: number) {
    const all = this.#executions
      .filter((one) => one.machine === machine && (one.described.startDate ?? since) >= since)
      .map(({ described: { executionArn, stateMachineArn, name = '', status, startDate, stopDate } }) => ({
        executionArn,
        stateMachineArn,
        name,
        status,
        startDate,
        stopDate,
      }))
      .sort((a, b) => (b.startDate?.getTime() ?? 0) - (a.startDate?.getTime() ?? 0));
    return { executions: all.slice(0, limit), more: all.length > limit };
  }

  async execution(arn: string) {
    this.asked.execution.push(arn);
    return this.#executions.find(({ described }) => described.executionArn === arn)?.described;
  }

  async history(arn: string, limit: number) {
    this.asked.history.push(arn);
    const events =
      this.#executions.find(({ described }) => described.executionArn === arn)?.history.events() ?? [];
    return { events: events.slice(0, limit), more: events.length > limit };
  }

  async definition(arn: string) {
    this.asked.definition.push(arn);
    const machine = (Object.keys(machines) as MachineName[]).find((name) => arn.includes(`:${name}:`)); // its own keys
    if (machine === undefined) throw new Error(`There is no machine of ${arn}.`);
    return this.#definitions[machine] ?? machines[machine];
  }

  async messages(log: string, text: string, since: Date, until?: Date) {
    return this.#messages
      .filter((one) => one.log === log && one.message.includes(text))
      .filter(({ at }) => at >= since && at <= (until ?? at))
      .map(({ message }) => message);
  }
}

const statuses: Record<string, DescribeExecutionOutput['status']> = {
  ExecutionSucceeded: 'SUCCEEDED',
  ExecutionFailed: 'FAILED',
  ExecutionAborted: 'ABORTED',
  ExecutionTimedOut: 'TIMED_OUT',
};
