/** Something that the user can put right: what happened, and what to do about it. Shown without a stack trace. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
