import { setTimeout as sleep } from 'node:timers/promises';
import { colors } from '../../cli/support/colors.ts';
import type { Machine, StateRun, System } from '../system.ts';
import type { Stage } from './stage.ts';

/** Compensating states and failed outcomes, which have another colour. */
const COMPENSATING = /^(Cancel|Delete|Stop)|Failed$|RolledBack$|Rejected$|Removed$|Deprovisioned$/;
const WATCHED: readonly Machine[] = [
  'ProvisionServiceUser',
  'RollBackProvisioning',
  'CreateServiceUser',
  'RollBackServiceUser',
];
const POLL_INTERVAL = 120;
const TIME_LIMIT = 120_000;

/**
 * Prints the states of both services' executions live, until App1's execution has finished.
 * @returns the entered states by state machine
 */
export async function watch(system: System, stage: Stage, id: string): Promise<Record<Machine, StateRun[]>> {
  const startedAt = Date.now();
  const printed = new Set<string>();
  const states: Record<Machine, StateRun[]> = {
    ProvisionServiceUser: [],
    RollBackProvisioning: [],
    CreateServiceUser: [],
    RollBackServiceUser: [],
  };
  for (;;) {
    const status = await system.executionStatus('ProvisionServiceUser', id);
    await Promise.all(
      WATCHED.map(async (machine) => {
        states[machine] = await system.states(machine, id);
      }),
    );
    const all = WATCHED.flatMap((machine) => states[machine].map((state) => ({ machine, state })));
    const exited = all.filter(({ state }) => state.exitedAt !== undefined);
    for (const { machine, state } of exited.sort(
      (a, b) => Number(a.state.exitedAt ?? 0) - Number(b.state.exitedAt ?? 0),
    )) {
      const key = `${machine}/${state.name}/${state.id}`;
      if (!printed.has(key)) stage.line(lineOf(machine, state));
      printed.add(key);
    }
    if (status !== undefined && status !== 'RUNNING') return states;
    if (Date.now() - startedAt > TIME_LIMIT)
      throw new Error(`The provisioning ${id} has not finished within ${TIME_LIMIT / 1000} s.`);
    const running = all.filter(({ state }) => state.exitedAt === undefined).map(({ state }) => state.name);
    stage.live(`  … ${running.join(', ')}  ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
    await sleep(POLL_INTERVAL);
  }
}

function lineOf(machine: Machine, { name, enteredAt, exitedAt, errors }: StateRun): string {
  const service =
    machine === 'ProvisionServiceUser' || machine === 'RollBackProvisioning'
      ? colors.blue('App1')
      : colors.magenta('App2');
  const duration = `${Number(exitedAt ?? enteredAt) - Number(enteredAt)} ms`.padStart(8);
  const coloured = COMPENSATING.test(name) ? colors.yellow(name.padEnd(30)) : name.padEnd(30);
  const failedAttempts = errors.length === 0 ? '' : colors.red(`  ${errors.join(', ')}`);
  return `  ${service}  ${colors.dim(machine.padEnd(21))} ${coloured}${colors.dim(duration)}${failedAttempts}`;
}
