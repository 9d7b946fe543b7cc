import type { Exit } from './exit-status.ts';

/** A command cannot do what it was asked for: what happened, what to do, and the exit status that says so. */
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
