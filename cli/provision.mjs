#!/usr/bin/env node
/** Entry of `npx provision`. */
import { start } from '../local/start.mjs';

// Standard output is for answers.
await start('cli/provision.ts', process.argv.slice(2), process.stderr);
