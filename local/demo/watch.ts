import { setTimeout as sleep } from 'node:timers/promises';
import { colors } from '../../cli/support/colors.ts';
import type { Machine, StateRun, System } from '../system.ts';
import type { Stage } from './stage.ts';

/** Undo states and bad ends, in another colour. */
const UNDO = /^(Cancel|Delete|Stop)|Failed$|RolledBack$|Rejected$|Removed$|Deprovisioned$/;
const WATCHED: readonly Machine[] = [
  'ProvisionServiceUser',
  'RollBackProvisioning',
  'CreateServiceUser',
  'RollBackServiceUser',
];
const PAUSE = 120;
const LONGEST = 120_000;

/**
 * Shows the states of both services' executions as they happen, until App1's has ended.
 * Returns the states that were seen, by machine.
 */
export async function watch(system: System, stage: Stage, id: string): Promise<Record<Machine, StateRun[]>> {
  const begun = Date.now();
  const shown = new Set<string>();
  const seen: Record<Machine, StateRun[]> = {
    ProvisionServiceUser: [],
    RollBackProvisioning: [],
    CreateServiceUser: [],
    RollBackServiceUser: [],
  };
  for (;;) {
    const status = await system.executionStatus('ProvisionServiceUser', id);
    await Promise.all(
      WATCHED.map(async (machine) => {
        seen[machine] = await system.states(machine, id);
      }),
    );
    const all = WATCHED.flatMap((machine) => seen[machine].map((state) => ({ machine, state })));
    const ended = all.filter(({ state }) => state.exitedAt !== undefined);
    for (const { machine, state } of ended.sort(
      (a, b) => Number(a.state.exitedAt ?? 0) - Number(b.state.exitedAt ?? 0),
    )) {
      const key = `${machine}/${state.name}/${state.id}`;
      if (!shown.has(key)) stage.line(lineOf(machine, state));
      shown.add(key);
    }
    if (status !== undefined && status !== 'RUNNING') return seen;
    if (Date.now() - begun > LONGEST)
      throw new Error(`The provisioning ${id} has not ended in ${LONGEST / 1000} s.`);
    const running = all.filter(({ state }) => state.exitedAt === undefined).map(({ state }) => state.name);
    stage.live(`  … ${running.join(', ')}  ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    await sleep(PAUSE);
  }
}

function lineOf(machine: Machine, { name, enteredAt, exitedAt, errors }: StateRun): string {
  const service =
    machine === 'ProvisionServiceUser' || machine === 'RollBackProvisioning'
      ? colors.blue('App1')
      : colors.magenta('App2');
  const duration = `${Number(exitedAt ?? enteredAt) - Number(enteredAt)} ms`.padStart(8);
  const coloured = UNDO.test(name) ? colors.yellow(name.padEnd(30)) : name.padEnd(30);
  const trouble = errors.length === 0 ? '' : colors.red(`  ${errors.join(', ')}`);
  return `  ${service}  ${colors.dim(machine.padEnd(21))} ${coloured}${colors.dim(duration)}${trouble}`;
}
