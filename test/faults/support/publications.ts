import * as z from 'zod';
import type { EventName } from '../../../contracts/events/catalogue.ts';
import type { Machine } from '../../../local/system.ts';
import { golden, machineNames, tasks } from '../../support/golden.ts';
import { system } from './deployed.ts';
import { rollBackAttempts, rollBackOf } from './executions.ts';

/** The events that the executions of a provisioning have published, by their histories. */

/** A state that publishes an event, in the history of an execution. */
export interface Publication {
  event: EventName;
  enteredAt: Date;
  /** Whether the bus confirmed the event; without a confirmation, the bus may have received it nevertheless. */
  confirmed: boolean;
}

const publishes = z.object({ Entries: z.tuple([z.object({ DetailType: z.string() })]) });

/** The event that a state publishes, by state machine and state. */
const eventOf = new Map(
  machineNames.flatMap((machine) =>
    tasks(golden(machine)).flatMap(([state, { Arguments }]) => {
      const { data } = publishes.safeParse(Arguments);
      return data === undefined ? [] : [[`${machine} ${state}`, data.Entries[0].DetailType as EventName]]; // a test of the catalogue ensures it
    }),
  ),
);

/** All publications of one service for a provisioning, in the order of its histories. */
export async function listPublications(id: string, machine: keyof typeof rollBackOf): Promise<Publication[]> {
  const rollBacks = await rollBackAttempts(rollBackOf[machine], id);
  const all = [
    ...(await publicationsOf(machine, id)),
    ...(
      await Promise.all(rollBacks.map(({ name = '' }) => publicationsOf(rollBackOf[machine], name)))
    ).flat(),
  ];
  return all.sort((a, b) => a.enteredAt.getTime() - b.enteredAt.getTime());
}

const publicationsOf = async (machine: Machine, name: string): Promise<Publication[]> =>
  (await system.states(machine, name)).flatMap(({ name: state, enteredAt, attempts }) => {
    const event = eventOf.get(`${machine} ${state}`);
    const confirmed = attempts.some(({ status }) => status === 'succeeded');
    return event === undefined ? [] : [{ event, enteredAt, confirmed }];
  });
