/** An error that the user can repair: the cause and the remedy. Printed without a stack trace. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
