/** Entry of every npm script: `node local/run.mjs demo.ts --keep` calls `main(['--keep'])` of local/demo.ts. */
import { start } from './start.mjs';

const [script, ...args] = process.argv.slice(2);
await start(`local/${script}`, args);
