/** What has to be stopped when the user presses Ctrl-C, last started first. */
const cleanUps: (() => Promise<void>)[] = [];
let listening = false;
let interrupted = false;

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs something that must not be left behind: when the process is interrupted meanwhile, `cleanUp` runs before it
 * ends. When `run` ends by itself, cleaning up is its own matter.
 */
export async function guarded<Result>(
  cleanUp: () => Promise<void>,
  run: () => Promise<Result>,
): Promise<Result> {
  listen();
  cleanUps.push(cleanUp);
  try {
    return await run();
  } finally {
    // An interrupt is cleaning up: what follows here must not go on with half of it gone.
    if (interrupted) await new Promise(() => undefined);
    cleanUps.splice(cleanUps.indexOf(cleanUp), 1);
  }
}

function listen(): void {
  if (listening) return;
  listening = true;
  for (const [signal, status] of Object.entries(signals))
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      process.stderr.write('\nStopping.\n');
      const all = cleanUps.reverse().map((cleanUp) => cleanUp().catch(report));
      void Promise.all(all).then(() => process.exit(status));
    });
}

const report = (error: unknown): void => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
};
