/** What has to be stopped when the user presses Ctrl-C, last started first. */
const cleanUps: (() => Promise<void>)[] = [];
let listening = false;
let interrupted = false;

/** SIGPIPE stands for output that cannot be written (cli/support/start.mjs), which also sets the status then. */
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const;

/**
 * Runs something that must not be left behind: when the process is interrupted meanwhile, `cleanUp` runs before it
 * ends. When `run` ends by itself, cleaning up is its own matter.
 */
export async function guarded<Result>(
  cleanUp: () => Promise<void>,
  run: () => Promise<Result>,
): Promise<Result> {
  // Clean-ups run to their end, whatever they use.
  if (interrupted) return run();
  listen();
  cleanUps.push(cleanUp);
  try {
    return await run();
  } finally {
    // An interrupt is cleaning up: what follows here must not go on with half of it gone.
    await unlessInterrupted();
    cleanUps.splice(cleanUps.indexOf(cleanUp), 1);
  }
}

/** To be awaited before something is started that would have to be stopped: once interrupted, nothing more begins. */
export async function unlessInterrupted(): Promise<void> {
  if (interrupted) await new Promise(() => undefined);
}

function listen(): void {
  if (listening) return;
  listening = true;
  for (const [signal, status] of Object.entries(signals))
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      const isOutputLost = signal === 'SIGPIPE';
      if (!isOutputLost) process.stderr.write('\nStopping.\n');
      const ending = isOutputLost ? (process.exitCode ?? status) : status;
      void cleanUpAll().then(() => process.exit(ending));
    });
}

/** One after the other: a lock is given back only when what it protects is gone. */
async function cleanUpAll(): Promise<void> {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp().catch(report);
}

const report = (error: unknown): void => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
};
