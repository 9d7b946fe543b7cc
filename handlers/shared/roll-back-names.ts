/**
 * Names of roll-backs: `<provisioning_id>.<creation_id>.1`, `.2`, `.3`, … The generation in the name separates the
 * roll-backs of provisionings with the same provisioning_id.
 */

/** One generation of a provisioning. */
export interface Generation {
  provisioning_id: string;
  creation_id: string;
}

/** Name of a roll-back; attempts count from 1. With six digits it has 80 characters, the limit of Step Functions. */
export const rollBackName = ({ provisioning_id, creation_id }: Generation, attempt: number): string =>
  `${provisioning_id}.${creation_id}.${attempt}`;

/** The parts of a roll-back's name; `undefined` for another name. */
export function partsOfRollBackName(name: string): (Generation & { attempt: number }) | undefined {
  const [, provisioning_id, creation_id, attempt] = /^([^.]+)\.([^.]+)\.(\d+)$/.exec(name) ?? [];
  return provisioning_id === undefined || creation_id === undefined || attempt === undefined
    ? undefined
    : { provisioning_id, creation_id, attempt: Number(attempt) };
}

/** The provisioning_id in the name of an execution of any state machine. */
export const provisioningIdIn = (name: string): string => name.replace(/\..*$/, '');

/** The attempt in the name of a roll-back; 1 for another name. */
export const attemptIn = (name: string): number => partsOfRollBackName(name)?.attempt ?? 1;

/** Name of the next attempt; the first attempt after a name that was chosen by hand. */
export const nextRollBackName = (name: string, generation: Generation): string =>
  rollBackName(generation, (partsOfRollBackName(name)?.attempt ?? 0) + 1);
