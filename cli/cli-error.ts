import type { Exit } from './exit-status.ts';

/** A command has failed: the cause, the remedy, and the exit status. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: Exit;
  /** Stable, for scripts. */
  readonly code: string;
  readonly remedy: string;

  constructor(exit: Exit, code: string, message: string, remedy: string) {
    super(message);
    this.exit = exit;
    this.code = code;
    this.remedy = remedy;
  }
}
