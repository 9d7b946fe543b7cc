/**
 * Starts a program of this checkout: once Node is new enough and the packages of the lockfile are installed, calls
 * `main(args)` of its TypeScript file and exits with the status that it returns. Plain Node without packages, and
 * without syntax that an old Node cannot read.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = [20, 19];
const HEARTBEAT = 1500; // milliseconds
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** npm writes this file at the end of an install. Without it, or with other content, the install is not complete. */
const installedLock = join(root, 'node_modules', '.package-lock.json');

/** Exit status when the reader of the output has closed it: that of SIGPIPE, which Node ignores. */
const CLOSED = 141;
/** Exit status when the output cannot be written: EX_IOERR of sysexits.h. */
const UNWRITTEN = 74;

/**
 * `file` is relative to the checkout. `installing` is the stream for the progress of an install; `statuses` are the exit
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
    if (!isInstalled()) await install(installing);
    keepToTheCheckout();
    const { load } = await import('./program.mjs');
    const { main } = await load(file);
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

/** Keeps temporary files and caches of the tools (tsx, Jest, CDK) in the checkout: they use TMPDIR. */
function keepToTheCheckout() {
  process.env.TMPDIR = join(root, '.build', 'tmp');
  mkdirSync(process.env.TMPDIR, { recursive: true });
  // The AWS SDK's switch for its notice about Node 20, which it would print into the output (decision 0034).
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
}

/** Whether node_modules matches the lockfile; packages for other platforms may be missing. */
function isInstalled() {
  const expected = packagesOf(join(root, 'package-lock.json'));
  let installed;
  try {
    installed = packagesOf(installedLock);
  } catch {
    return false; // not installed, or not completely
  }
  return Object.entries(expected).every(([path, { version, optional }]) =>
    path === '' || (optional && installed[path] === undefined) ? true : installed[path]?.version === version,
  );
}

function packagesOf(lockfile) {
  return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
}

async function install(output) {
  rmSync(installedLock, { force: true });
  const startedAt = Date.now();
  const beat = () =>
    output.write(`Installing npm packages (${Math.round((Date.now() - startedAt) / 1000)} s)\n`);
  beat();
  const timer = setInterval(beat, HEARTBEAT);
  try {
    // With NODE_ENV=production, which some shells set, npm would omit the development packages.
    await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund']);
  } finally {
    clearInterval(timer);
  }
}

/** Resolves when the command has succeeded. Forwards a signal to the command, and exits after it. */
function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  child.stdout.on('data', (data) => output.push(data));
  child.stderr.on('data', (data) => output.push(data));
  const statuses = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  let interrupted;
  const passOn = (signal) => {
    interrupted = signal;
    child.kill(signal);
  };
  for (const signal of Object.keys(statuses)) process.on(signal, passOn);
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(problem(`${command} cannot be run: ${error.message}`, 'Install Node.js with npm.')),
    );
    child.once('close', (status) => {
      if (interrupted !== undefined) process.exit(statuses[interrupted]);
      for (const signal of Object.keys(statuses)) process.off(signal, passOn);
      if (status === 0) return resolve();
      const last = Buffer.concat(output).toString().trim().split('\n').slice(-12).join('\n');
      reject(
        problem(
          `The npm packages could not be installed. Output of npm:\n${last}`,
          'Check that npm reaches its registry (network, proxy, .npmrc), then try again.',
        ),
      );
    });
  });
}

/** The same shape as CommandError (command-error.ts), which cannot be loaded before the packages are installed. */
function problem(message, remedy) {
  return Object.assign(new Error(message), { name: 'CommandError', remedy });
}

const isCommandError = (error) => error instanceof Error && error.name === 'CommandError';

function report(error) {
  process.stderr.write(
    isCommandError(error) ? `\n${error.message}\n→ ${error.remedy}\n` : `\n${error?.stack ?? error}\n`,
  );
}
