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
/** npm writes it last, when everything is in place: without it, or with another content, an install is not complete. */
const installedLock = join(root, 'node_modules', '.package-lock.json');

/** Of a program whose output nobody reads any more: as if SIGPIPE, which Node ignores, had ended it. */
const CLOSED = 141;
/** Of a program whose output cannot be written: EX_IOERR of sysexits.h. */
const UNWRITTEN = 74;

/**
 * `file` is relative to the checkout. `installing` is where it says that it installs; `statuses` are what it exits with
 * after a Problem and after what nobody foresaw; `unwritten` is what to do when the output cannot be written.
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
 * Ends the program when its output goes nowhere: without a word when nobody reads it any more (`… | head -1`), else
 * saying why. What it has to clean up it does in between, as after a signal. Standard error only tells how it goes on:
 * a program is not ended for it, unless nobody reads that any more.
 */
function watchOutput(remedy) {
  let failed = false;
  const end = (status) => {
    process.exitCode = status;
    // Whoever listens cleans up, then exits with this status (local/interrupt.ts).
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

/** Temporary files and caches of the tools (tsx, Jest, CDK) stay in the checkout; they look at TMPDIR. */
function keepToTheCheckout() {
  process.env.TMPDIR = join(root, '.build', 'tmp');
  mkdirSync(process.env.TMPDIR, { recursive: true });
  // The AWS SDK's switch for its notice about Node 20, which it would print in the middle of the output (decision 0034).
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
}

/** Whether node_modules holds what the lockfile says; packages for other platforms may be missing. */
function isInstalled() {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  let installed;
  try {
    installed = packagesOf(installedLock);
  } catch {
    return false; // nothing installed, or not to its end
  }
  return Object.entries(wanted).every(([path, { version, optional }]) =>
    path === '' || (optional && installed[path] === undefined) ? true : installed[path]?.version === version,
  );
}

function packagesOf(lockfile) {
  return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
}

async function install(output) {
  rmSync(installedLock, { force: true });
  const begun = Date.now();
  const beat = () => output.write(`Installing npm packages (${Math.round((Date.now() - begun) / 1000)} s)\n`);
  beat();
  const timer = setInterval(beat, HEARTBEAT);
  try {
    // Some shells have NODE_ENV=production, with which npm would leave the tools out.
    await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund']);
  } finally {
    clearInterval(timer);
  }
}

/** Ends when the command has ended well. A signal to this process is passed on, and ends it after the command. */
function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  child.stdout.on('data', (data) => said.push(data));
  child.stderr.on('data', (data) => said.push(data));
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
      const last = Buffer.concat(said).toString().trim().split('\n').slice(-12).join('\n');
      reject(
        problem(
          `The npm packages could not be installed. npm said:\n${last}`,
          'Check that npm reaches its registry (network, proxy, .npmrc), then try again.',
        ),
      );
    });
  });
}

/** Same form as the class Problem (problem.ts), which is not readable before there are packages. */
function problem(message, remedy) {
  return Object.assign(new Error(message), { name: 'CommandError', remedy });
}

const isCommandError = (error) => error instanceof Error && error.name === 'CommandError';

function report(error) {
  process.stderr.write(
    isCommandError(error) ? `\n${error.message}\n→ ${error.remedy}\n` : `\n${error?.stack ?? error}\n`,
  );
}
