import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Machine, machine, type Task } from '../../workflows/asl.ts';

/** The golden copy of the definition of a state machine. */
export function golden(name: string): Machine {
  const path = join(import.meta.dirname, '..', 'workflows', 'golden', `${name}.asl.json`);
  return machine.parse(JSON.parse(readFileSync(path, 'utf8')));
}

export const machineNames = [
  'CreateServiceUser',
  'ProvisionServiceUser',
  'RollBackProvisioning',
  'RollBackServiceUser',
] as const;

/** The Task states of a state machine, by name. */
export function tasks({ States }: Machine): [string, Task][] {
  return Object.entries(States).flatMap(([name, state]) =>
    state.Type === 'Task' ? [[name, state] satisfies [string, Task]] : [],
  );
}
