/** Something that the user can put right: what happened, and what to do about it. Shown without a stack trace. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
