import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  ExecutionDoesNotExist,
} from '@aws-sdk/client-sfn';
import type { Machine, System } from '../../../local/system.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { POLL_INTERVAL_MS } from './concurrency.ts';
import { system } from './deployed.ts';

/** The state machines that start with a provisioning, each with its roll-back workflow. */
export const rollBackOf = {
  ProvisionServiceUser: 'RollBackProvisioning',
  CreateServiceUser: 'RollBackServiceUser',
} as const satisfies Partial<Record<Machine, Machine>>;

/**
 * An execution of a provisioning; of a roll-back workflow its first roll-back. `undefined` if it does not exist.
 * @param at the system with the target whose state machines are meant: by default that of the target under test
 */
export async function findExecution(
  machine: Machine,
  name: string,
  at: System = system,
): Promise<DescribeExecutionOutput | undefined> {
  try {
    return await at.clients.stepFunctions.send(
      new DescribeExecutionCommand({ executionArn: await at.executionArn(machine, name) }),
    );
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
}

/** The roll-backs of a provisioning, in their order. */
export async function rollBackAttempts(
  machine: Machine,
  id: string,
  at: System = system,
): Promise<DescribeExecutionOutput[]> {
  const found: DescribeExecutionOutput[] = [];
  for (;;) {
    const first = await at.executionArn(machine, id);
    const name = first.split(':').at(-1) ?? '';
    const attempt = await findExecution(machine, name.replace(/\.1$/, `.${found.length + 1}`), at);
    if (attempt === undefined) return found;
    found.push(attempt);
  }
}

/** Waits until an execution has entered a state. */
export async function waitForState(
  machine: Machine,
  name: string,
  state: string,
  within = 60_000,
  at: System = system,
): Promise<void> {
  await eventually(
    async () => {
      const states = (await at.states(machine, name)).map((run) => run.name);
      if (!states.includes(state))
        throw new Error(`${machine} ${name} has entered ${states.join(', ') || 'no state'}, not ${state}.`);
    },
    within,
    200,
  );
}

/** Waits until the first roll-back of a provisioning has failed. */
export async function waitForFailedRollBack(
  machine: (typeof rollBackOf)[keyof typeof rollBackOf],
  id: string,
  within = 400_000,
): Promise<void> {
  await eventually(
    async () => {
      const [first] = await rollBackAttempts(machine, id);
      if (first?.status !== 'FAILED') throw new Error(`${machine} ${id} is ${first?.status ?? 'absent'}.`);
    },
    within,
    POLL_INTERVAL_MS,
  );
}

/** Waits until an execution exists and has finished. */
export async function waitUntilFinished(machine: Machine, name: string, within = 400_000): Promise<void> {
  await eventually(
    async () => {
      const { status = 'absent' } = (await findExecution(machine, name)) ?? {};
      if (status === 'RUNNING' || status === 'absent') throw new Error(`${machine} ${name} is ${status}.`);
    },
    within,
    POLL_INTERVAL_MS,
  );
}

/** Number of attempts of a state, by the history of the execution; 0 if the execution has not entered the state. */
export async function countAttempts(machine: Machine, name: string, state: string): Promise<number> {
  const runs = (await system.states(machine, name)).filter((run) => run.name === state);
  return runs.flatMap(({ attempts }) => attempts).length;
}

/** Number of attempts above which a state counts as one that retries until its cause has ended. */
const ATTEMPTS_OF_A_WAIT = 3;

/** Waits until an execution has retried a state several times. */
export async function waitForRetries(
  machine: Machine,
  name: string,
  state: string,
  within = 400_000,
): Promise<void> {
  await eventually(
    async () => {
      const attempts = await countAttempts(machine, name, state);
      if (attempts <= ATTEMPTS_OF_A_WAIT)
        throw new Error(`${machine} ${name} has made ${attempts} attempts of ${state}.`);
    },
    within,
    POLL_INTERVAL_MS,
  );
}
