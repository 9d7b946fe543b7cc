/** Entry of every npm script: `node cli/run.mjs local/demo.ts --keep` calls `main(['--keep'])` of local/demo.ts. */
import { start } from './support/start.mjs';

const [script = '', ...args] = process.argv.slice(2);
await start(script, args);
