import { CommandError } from '../../cli/support/command-error.ts';

/** Two runs would take down each other's local AWS. */
export const testsAreRunning = new CommandError(
  'Tests are running already in this checkout.',
  'Wait until that run has ended, or stop it.',
);
