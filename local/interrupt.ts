/** Clean-ups that run on Ctrl-C, the last added first. */
const cleanUps: (() => Promise<void>)[] = [];
let listening = false;
let interrupted = false;

/** SIGPIPE means that output cannot be written; cli/support/start.mjs then sets the exit status. */
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const;

/**
 * Runs a function whose resources must not remain: if the process is interrupted meanwhile, `cleanUp` runs before it
 * exits. If `run` finishes, it is responsible for its own clean-up.
 */
export async function guarded<Result>(
  cleanUp: () => Promise<void>,
  run: () => Promise<Result>,
): Promise<Result> {
  // Clean-ups themselves are not interrupted.
  if (interrupted) return run();
  listen();
  cleanUps.push(cleanUp);
  try {
    return await run();
  } finally {
    // After an interrupt, the caller must not continue while clean-ups run.
    await unlessInterrupted();
    cleanUps.splice(cleanUps.indexOf(cleanUp), 1);
  }
}

/** Await it before starting a process: after an interrupt it never resolves, so nothing more is started. */
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
      const exitStatus = isOutputLost ? (process.exitCode ?? status) : status;
      void cleanUpAll().then(() => process.exit(exitStatus));
    });
}

/** In sequence: a lock is released only after the resource that it protects was removed. */
async function cleanUpAll(): Promise<void> {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp().catch(report);
}

const report = (error: unknown): void => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
};
