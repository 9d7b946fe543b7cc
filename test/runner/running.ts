import { CommandError } from '../../cli/support/command-error.ts';

/** Two runs would stop each other's local AWS. */
export const testsAreRunning = new CommandError(
  'Tests are running already in this checkout.',
  'Wait until that run has finished, or stop it.',
);
