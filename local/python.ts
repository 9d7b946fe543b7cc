import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExecaError, execa } from 'execa';
import { CommandError } from '../cli/support/command-error.ts';
import { exclusively } from './lock.ts';
import { venv } from './paths.ts';

/** What the local AWS needs. */
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const OLDEST = [3, 10] as const;

interface Options {
  onProgress?: ((line: string) => void) | undefined;
  /** Where the packages are installed; the checkout's own place unless a test says otherwise. */
  directory?: string;
  /** Which packages: a file of pinned versions with their hashes; those of the local AWS unless given. */
  requirements?: string;
  environment?: NodeJS.ProcessEnv;
}

/**
 * Path of the Python interpreter of our own venv; creates it and installs the pinned packages when needed. An install
 * that was broken off is recognised by the missing mark and done again.
 * @throws CommandError when there is no Python, none that is new enough, no venv module, or the packages cannot be had
 */
export async function ensurePython({
  onProgress,
  directory = venv,
  requirements = REQUIREMENTS,
  environment = process.env,
}: Options = {}): Promise<string> {
  const python = join(directory, 'bin', 'python');
  const mark = join(directory, 'installed');
  const wanted = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const isInstalled = async () =>
    existsSync(python) && existsSync(mark) && (await readFile(mark, 'utf8')) === wanted;
  if (await isInstalled()) return python;

  const base = await findPython(environment);
  // Two local AWSs can be started at once.
  return exclusively(`${directory}-lock`, async () => {
    if (await isInstalled()) return python;
    onProgress?.('creating a Python environment');
    await rm(directory, { recursive: true, force: true });
    await makeVenv(base, directory, environment);
    onProgress?.('installing Python packages');
    await installPackages(python, requirements, environment, onProgress);
    await writeFile(mark, wanted);
    return python;
  });
}

/** The newest Python on the PATH that will do; `PYTHON` names another one. */
async function findPython(environment: NodeJS.ProcessEnv): Promise<string> {
  const chosen = environment['PYTHON'];
  const candidates =
    chosen === undefined
      ? ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10']
      : [chosen];
  const tooOld: string[] = [];
  for (const candidate of candidates) {
    const asked = await execa(candidate, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
      env: environment,
      extendEnv: false,
      reject: false,
    });
    const version = /^(\d+)\.(\d+)$/.exec(asked.stdout?.trim() ?? '');
    if (asked.failed || version === null) continue;
    const [major, minor] = [Number(version[1]), Number(version[2])];
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return candidate;
    tooOld.push(`${candidate} is ${version[0]}`);
  }
  const remedy = `Install Python ${OLDEST.join('.')} or newer, or name one by the environment variable PYTHON.`;
  if (tooOld.length > 0) throw new CommandError(`Python is too old: ${tooOld.join(', ')}.`, remedy);
  throw new CommandError(`There is no Python: ${candidates.join(', ')} cannot be run.`, remedy);
}

async function makeVenv(base: string, directory: string, environment: NodeJS.ProcessEnv): Promise<void> {
  try {
    await execa(base, ['-m', 'venv', directory], { env: environment, extendEnv: false, all: true });
  } catch (error) {
    const said = error instanceof ExecaError ? String(error.all ?? '') : '';
    if (/ensurepip|No module named '?venv/.test(said))
      throw new CommandError(
        `Python's venv module is missing (${base} -m venv).`,
        'Install it (on Debian and Ubuntu: apt-get install python3-venv) and try again.',
      );
    throw new CommandError(
      `No Python environment could be made with ${base}: ${lastLine(said)}`,
      'See the message above.',
    );
  }
}

async function installPackages(
  python: string,
  requirements: string,
  environment: NodeJS.ProcessEnv,
  onProgress: ((line: string) => void) | undefined,
): Promise<void> {
  const install = execa(
    python,
    [
      '-m',
      'pip',
      'install',
      '--require-hashes',
      '--no-input',
      '--disable-pip-version-check',
      '-r',
      requirements,
    ],
    { env: environment, extendEnv: false, all: true },
  );
  install.stdout.on('data', (data: Buffer) => {
    for (const line of data.toString().split('\n'))
      if (/^(Collecting|Installing)/.test(line)) onProgress?.(line.slice(0, 72));
  });
  try {
    await install;
  } catch (error) {
    const said = error instanceof ExecaError ? String(error.all ?? '') : '';
    if (/hash/i.test(said) && /do not match/i.test(said))
      throw new CommandError(
        'A Python package is not the one that is pinned (hashes differ).',
        'Check the package index that pip is set to use.',
      );
    throw new CommandError(
      `The Python packages could not be installed: ${lastLine(said)}`,
      'Check that pip reaches its package index (network, proxy, pip config), then try again.',
    );
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
