import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import type { Aws } from '../../../trace/aws.ts';
import type { DeployedService } from '../../../trace/connect.ts';
import type { History } from '../../support/history.ts';
import { type MachineName, machines } from './machines.ts';

/** A state machine of the fake services, or one with the prefix of another target: `payments-CreateServiceUser`. */
export type FakeMachine = MachineName | `${string}-${MachineName}`;

const arnOf = (name: FakeMachine) => `arn:aws:states:eu-west-1:111111111111:stateMachine:${name}`;

/** The two fake services. */
export const services: DeployedService[] = [
  {
    service: 'app1',
    stateMachine: arnOf('ProvisionServiceUser'),
    rollBackStateMachine: arnOf('RollBackProvisioning'),
    eventsLog: '/aws/events/app1',
  },
  {
    service: 'app2',
    stateMachine: arnOf('CreateServiceUser'),
    rollBackStateMachine: arnOf('RollBackServiceUser'),
    eventsLog: '/aws/events/app2',
  },
];

/** A further target. */
export const target = (service: string): DeployedService => ({
  service,
  stateMachine: arnOf(`${service}-CreateServiceUser`),
  rollBackStateMachine: arnOf(`${service}-RollBackServiceUser`),
  eventsLog: `/aws/events/${service}`,
});

/** A fake AWS with executions and events. It records calls. */
export class FakeAws implements Aws {
  readonly #executions: { machine: string; described: DescribeExecutionOutput; history: History }[] = [];
  readonly #messages: { log: string; at: Date; message: string }[] = [];
  readonly #definitions: Partial<Record<MachineName, string>>;
  /** The ARNs of the calls, by operation. */
  readonly calls: Record<'execution' | 'history' | 'definition', string[]> = {
    execution: [],
    history: [],
    definition: [],
  };

  /** `definitions` replace the default ones. */
  constructor(definitions: Partial<Record<MachineName, string>> = {}) {
    this.#definitions = definitions;
  }

  /** Adds or replaces an execution. Its status is that of its history. */
  put(machine: FakeMachine, name: string, input: unknown, history: History): this {
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
  publish(service: string, id: string, sequence: number, name: string, at: Date, data: object = {}): this {
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

  async listExecutions(machine: string, since: Date, limit: number) {
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

  async describeExecution(arn: string) {
    this.calls.execution.push(arn);
    return this.#executions.find(({ described }) => described.executionArn === arn)?.described;
  }

  async readEvents(arn: string, limit: number) {
    this.calls.history.push(arn);
    const events =
      this.#executions.find(({ described }) => described.executionArn === arn)?.history.events() ?? [];
    return { events: events.slice(0, limit), more: events.length > limit };
  }

  async readDefinition(arn: string) {
    this.calls.definition.push(arn);
    const machine = (Object.keys(machines) as MachineName[]).find((name) =>
      new RegExp(`:([a-z]+-)?${name}:`).test(arn),
    ); // the object's own keys
    if (machine === undefined) throw new Error(`There is no state machine of ${arn}.`);
    return this.#definitions[machine] ?? machines[machine];
  }

  async readMessages(log: string, text: string, since: Date, until?: Date) {
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
