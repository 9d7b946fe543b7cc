#!/usr/bin/env node
/** Entry of `npx provision`. */
import { start } from './support/start.mjs';

// The statuses of cli/exit-status.ts, which cannot be loaded before the packages are installed.
await start('cli/provision.ts', process.argv.slice(2), {
  // Standard output is for results only.
  installing: process.stderr,
  statuses: { problem: 3, unexpected: 70 },
  unwritten: 'Send the output elsewhere. The request is done or continues: `npx provision list` shows it.',
});
