/** Prepares this checkout for its programs: installs the packages of the lockfile. Plain Node without packages. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { problem } from './problem.mjs';

const HEARTBEAT = 1500; // milliseconds
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** npm writes this file at the end of an install. Without it, or with other content, the install is not complete. */
const installedLock = join(root, 'node_modules', '.package-lock.json');

/** Installs the packages if they are not installed; `output` is the stream for the progress. */
export async function prepare(output) {
  if (!isInstalled()) await install(output);
  keepToTheCheckout();
}

/** Keeps temporary files and caches of the tools (tsx, Jest, CDK) in the checkout: they use TMPDIR. */
function keepToTheCheckout() {
  process.env.TMPDIR = join(root, '.build', 'tmp');
  mkdirSync(process.env.TMPDIR, { recursive: true });
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
