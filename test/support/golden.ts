import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allStates, type Machine, machine, type Task } from '../../workflows/asl.ts';

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

/** The Task states of a state machine, by name, with those of the iterations of a Map. */
export function tasks(definition: Machine): [string, Task][] {
  return allStates(definition).flatMap(([name, state]) =>
    state.Type === 'Task' ? [[name, state] satisfies [string, Task]] : [],
  );
}
