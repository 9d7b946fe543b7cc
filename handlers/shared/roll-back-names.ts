/**
 * Names of roll-backs: `<provisioning_id>.<creation_id>.1`, `.2`, `.3`, … What rolled back an earlier generation of the
 * same provisioning has other names, so it is never taken for a roll-back of this one.
 */

/** Which generation of which provisioning. */
export interface Generation {
  provisioning_id: string;
  creation_id: string;
}

/** Name of a roll-back; attempts count from 1. With six digits it has 80 characters, as many as AWS allows. */
export const rollBackName = ({ provisioning_id, creation_id }: Generation, attempt: number): string =>
  `${provisioning_id}.${creation_id}.${attempt}`;

/** Whether an execution has the name of a roll-back; the parts of its name, if so. */
export function partsOfRollBackName(name: string): (Generation & { attempt: number }) | undefined {
  const [, provisioning_id, creation_id, attempt] = /^([^.]+)\.([^.]+)\.(\d+)$/.exec(name) ?? [];
  return provisioning_id === undefined || creation_id === undefined || attempt === undefined
    ? undefined
    : { provisioning_id, creation_id, attempt: Number(attempt) };
}

/** The provisioning that an execution of this name, of any machine, belongs to. */
export const provisioningIdIn = (name: string): string => name.replace(/\..*$/, '');

/** Which attempt the roll-back of this name is. */
export const attemptIn = (name: string): number => partsOfRollBackName(name)?.attempt ?? 1;

/** Name of the attempt that follows the one of this name; of one that somebody has named by hand, the first attempt. */
export const nextRollBackName = (name: string, generation: Generation): string =>
  rollBackName(generation, (partsOfRollBackName(name)?.attempt ?? 0) + 1);
