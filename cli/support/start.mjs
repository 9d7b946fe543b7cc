/**
 * Starts a program: once Node is new enough, calls `main(args)` of its TypeScript file and exits with the status that it
 * returns. Plain Node without packages, and without syntax that an old Node cannot read.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isCommandError, problem } from './problem.mjs';

const OLDEST_NODE = [20, 19];
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Exit status when the reader of the output has closed it: that of SIGPIPE, which Node ignores. */
const CLOSED = 141;
/** Exit status when the output cannot be written: EX_IOERR of sysexits.h. */
const UNWRITTEN = 74;

/**
 * `file` is relative to the root folder. `installing` is the stream for the progress of an install; `statuses` are the exit
 * statuses after a CommandError and after any other error; `unwritten` is the remedy when the output cannot be written.
 */
export async function start(
  file,
  args,
  {
    installing = process.stdout,
    statuses = { problem: 1, unexpected: 1 },
    unwritten = 'Send the output elsewhere, or make room for it.',
  } = {},
) {
  watchOutput(unwritten);
  try {
    requireSystem();
    // The AWS SDK's switch for its notice about Node 20, which it would print into the output (decision 0034).
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
    const { main } = existsSync(join(root, file)) ? await fromCheckout(file, installing) : await built(file);
    process.exitCode = await main(args);
  } catch (error) {
    report(error);
    process.exitCode = isCommandError(error) ? statuses.problem : statuses.unexpected;
  }
}

/**
 * Ends the program when it cannot write its output: without a message when the reader has closed it (`… | head -1`), else
 * with one. It cleans up first, as after a signal. An error of standard error ends the program only when its reader has
 * closed it.
 */
function watchOutput(remedy) {
  let failed = false;
  const end = (status) => {
    process.exitCode = status;
    // A listener cleans up, then exits with this status (local/interrupt.ts).
    if (!process.emit('SIGPIPE', 'SIGPIPE')) process.exit(status);
  };
  const onError = (error) => {
    if (failed) return;
    failed = true;
    if (error.code === 'EPIPE') return end(CLOSED);
    process.stderr.write(
      `\nThe output could not be written (${error.code ?? error.message}).\n→ ${remedy}\n`,
    );
    end(UNWRITTEN);
  };
  process.stdout.on('error', onError);
  process.stderr.on('error', (error) => {
    if (error.code === 'EPIPE') onError(error);
  });
}

function requireSystem() {
  if (process.platform === 'win32')
    throw problem('Windows itself is not supported.', 'Use WSL (learn.microsoft.com/windows/wsl/install).');
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]))
    throw problem(
      `Node.js ${process.versions.node} is too old.`,
      `Install Node.js ${OLDEST_NODE.join('.')} or newer (nodejs.org).`,
    );
}

/** In the checkout, a program is installed and bundled when it starts. */
async function fromCheckout(file, installing) {
  const { prepare } = await import('./checkout.mjs');
  await prepare(installing);
  const { load } = await import('./program.mjs');
  return load(file);
}

/** The package has no sources; package/build.ts has bundled its programs. */
function built(file) {
  return import(pathToFileURL(join(root, 'dist', file.replace(/\.ts$/, '.mjs'))).href);
}

function report(error) {
  process.stderr.write(
    isCommandError(error) ? `\n${error.message}\n→ ${error.remedy}\n` : `\n${error?.stack ?? error}\n`,
  );
}
