import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  ExecutionDoesNotExist,
} from '@aws-sdk/client-sfn';
import type { Machine } from '../../../local/system.ts';
import { statesOf, system } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { LOOK_EVERY } from './at-once.ts';

/** The machines in which a provisioning begins, with those that roll it back. */
export const rollBackOf = {
  ProvisionServiceUser: 'RollBackProvisioning',
  CreateServiceUser: 'RollBackServiceUser',
} as const satisfies Partial<Record<Machine, Machine>>;

/** An execution of a provisioning, of a roll-back machine its first roll-back; `undefined` when there is none. */
export async function execution(
  machine: Machine,
  name: string,
): Promise<DescribeExecutionOutput | undefined> {
  try {
    return await system.clients.stepFunctions.send(
      new DescribeExecutionCommand({ executionArn: await system.executionArn(machine, name) }),
    );
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
}

/** The attempts to roll a provisioning back, in order. */
export async function attempts(machine: Machine, id: string): Promise<DescribeExecutionOutput[]> {
  const found: DescribeExecutionOutput[] = [];
  for (;;) {
    const first = await system.executionArn(machine, id);
    const name = first.split(':').at(-1) ?? '';
    const attempt = await execution(machine, name.replace(/\.1$/, `.${found.length + 1}`));
    if (attempt === undefined) return found;
    found.push(attempt);
  }
}

/** Waits until an execution has entered a state. */
export async function entered(machine: Machine, name: string, state: string, within = 60_000): Promise<void> {
  await eventually(
    async () => {
      const states = await statesOf(machine, name);
      if (!states.includes(state))
        throw new Error(`${machine} ${name} has entered ${states.join(', ') || 'nothing'}, not ${state}.`);
    },
    within,
    200,
  );
}

/** Waits until the first attempt of a roll-back has failed. */
export async function rollBackFailed(
  machine: (typeof rollBackOf)[keyof typeof rollBackOf],
  id: string,
  within = 400_000,
): Promise<void> {
  await eventually(
    async () => {
      const [first] = await attempts(machine, id);
      if (first?.status !== 'FAILED') throw new Error(`${machine} ${id} is ${first?.status ?? 'not there'}.`);
    },
    within,
    LOOK_EVERY,
  );
}

/** Waits until there is an execution, and it has ended. */
export async function executionEnded(machine: Machine, name: string, within = 400_000): Promise<void> {
  await eventually(
    async () => {
      const { status = 'not there' } = (await execution(machine, name)) ?? {};
      if (status === 'RUNNING' || status === 'not there') throw new Error(`${machine} ${name} is ${status}.`);
    },
    within,
    LOOK_EVERY,
  );
}

/** How often a state of an execution has been tried, as its history tells; 0 when it was not entered. */
export async function attemptsOf(machine: Machine, name: string, state: string): Promise<number> {
  const entered = (await system.states(machine, name)).filter((one) => one.name === state);
  return entered.flatMap(({ attempts }) => attempts).length;
}

/** Retries after which a state is taken to wait for something, for as long as it takes. */
const WAITS_AFTER = 3;

/** Waits until a state of an execution has been tried again some times. */
export async function retried(
  machine: Machine,
  name: string,
  state: string,
  within = 400_000,
): Promise<void> {
  await eventually(
    async () => {
      const tried = await attemptsOf(machine, name, state);
      if (tried <= WAITS_AFTER) throw new Error(`${machine} ${name} has tried ${state} ${tried} times.`);
    },
    within,
    LOOK_EVERY,
  );
}
