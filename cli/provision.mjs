#!/usr/bin/env node
/** Entry of `npx provision`. */
import { start } from './support/start.mjs';

// Statuses as in cli/exit-status.ts, which cannot be read before there are packages.
await start('cli/provision.ts', process.argv.slice(2), {
  // Standard output is for answers.
  installing: process.stderr,
  statuses: { problem: 3, unexpected: 70 },
  unwritten:
    'Send the output elsewhere. What was asked for is done, or goes on: `npx provision list` shows it.',
});
