/** A claim is not true; the message says what was seen instead. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

/** A claim is about something that this deployment does not have; the message says what. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

/** @throws CheckFailed with what was `seen`, unless it is as it has to be */
export function assert(isMet: boolean, seen: string): asserts isMet {
  if (!isMet) throw new CheckFailed(seen);
}
