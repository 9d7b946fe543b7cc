import * as z from 'zod';
import type { EventName } from '../../../contracts/events/catalogue.ts';
import type { Machine } from '../../../local/system.ts';
import { system } from '../../e2e/support/deployed.ts';
import { golden, machineNames, tasks } from '../../support/golden.ts';
import { attempts, rollBackOf } from './executions.ts';

/** What the histories of a provisioning's executions say that was announced, and in which order. */

/** A state that publishes an event, as an execution went through it. */
export interface Announced {
  event: EventName;
  enteredAt: Date;
  /** Whether the bus has taken it; when it has not said so, it may have taken it all the same. */
  confirmed: boolean;
}

const publishes = z.object({ Entries: z.tuple([z.object({ DetailType: z.string() })]) });

/** Which event a state publishes, by machine and state. */
const eventOf = new Map(
  machineNames.flatMap((machine) =>
    tasks(golden(machine)).flatMap(([state, { Arguments }]) => {
      const { data } = publishes.safeParse(Arguments);
      return data === undefined ? [] : [[`${machine} ${state}`, data.Entries[0].DetailType as EventName]]; // a test of the catalogue says so
    }),
  ),
);

/** All that one service has announced of a provisioning, in the order of its histories. */
export async function announced(id: string, machine: keyof typeof rollBackOf): Promise<Announced[]> {
  const rollBacks = await attempts(rollBackOf[machine], id);
  const all = [
    ...(await announcedBy(machine, id)),
    ...(await Promise.all(rollBacks.map(({ name = '' }) => announcedBy(rollBackOf[machine], name)))).flat(),
  ];
  return all.sort((one, other) => one.enteredAt.getTime() - other.enteredAt.getTime());
}

const announcedBy = async (machine: Machine, name: string): Promise<Announced[]> =>
  (await system.states(machine, name)).flatMap(({ name: state, enteredAt, attempts }) => {
    const event = eventOf.get(`${machine} ${state}`);
    const confirmed = attempts.some(({ status }) => status === 'succeeded');
    return event === undefined ? [] : [{ event, enteredAt, confirmed }];
  });
