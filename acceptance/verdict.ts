/** A claim is not true; the message contains what was found instead. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

/** This deployment does not have the subject of a claim; the message names it. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

/** @throws CheckFailed with `found` unless the condition is met */
export function assert(isMet: boolean, found: string): asserts isMet {
  if (!isMet) throw new CheckFailed(found);
}
