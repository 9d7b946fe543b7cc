import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExecaError, execa } from 'execa';
import { CommandError } from '../cli/support/command-error.ts';
import { exclusively } from './lock.ts';
import { venv } from './paths.ts';

/** The Python packages of the local AWS. */
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const MINIMUM_VERSION = [3, 10] as const;

interface Options {
  onProgress?: ((line: string) => void) | undefined;
  /** The folder of the venv; that of the checkout by default. */
  directory?: string;
  /** A requirements file with pinned versions and hashes; that of the local AWS by default. */
  requirements?: string;
  environment?: NodeJS.ProcessEnv;
}

/**
 * Returns the path of the Python interpreter of a venv. Creates the venv and installs the pinned packages if necessary. An
 * interrupted installation lacks the file `installed` and is repeated.
 * @throws CommandError when Python, its minimum version or its venv module is missing, or pip cannot install the packages
 */
export async function ensurePython({
  onProgress,
  directory = venv,
  requirements = REQUIREMENTS,
  environment = process.env,
}: Options = {}): Promise<string> {
  const python = join(directory, 'bin', 'python');
  const hashFile = join(directory, 'installed');
  const requirementsHash = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const isInstalled = async () =>
    existsSync(python) && existsSync(hashFile) && (await readFile(hashFile, 'utf8')) === requirementsHash;
  if (await isInstalled()) return python;

  const base = await findPython(environment);
  // Two processes can start a local AWS at once.
  return exclusively(`${directory}-lock`, async () => {
    if (await isInstalled()) return python;
    onProgress?.('creating a Python environment');
    await rm(directory, { recursive: true, force: true });
    await makeVenv(base, directory, environment);
    onProgress?.('installing Python packages');
    await installPackages(python, requirements, environment, onProgress);
    await writeFile(hashFile, requirementsHash);
    return python;
  });
}

/** The first suitable Python interpreter on the PATH, or the one in the environment variable `PYTHON`. */
async function findPython(environment: NodeJS.ProcessEnv): Promise<string> {
  const chosen = environment['PYTHON'];
  const candidates =
    chosen === undefined
      ? ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10']
      : [chosen];
  const tooOld: string[] = [];
  for (const candidate of candidates) {
    const versionCheck = await execa(candidate, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
      env: environment,
      extendEnv: false,
      reject: false,
    });
    const version = /^(\d+)\.(\d+)$/.exec(versionCheck.stdout?.trim() ?? '');
    if (versionCheck.failed || version === null) continue;
    const [major, minor] = [Number(version[1]), Number(version[2])];
    if (major > MINIMUM_VERSION[0] || (major === MINIMUM_VERSION[0] && minor >= MINIMUM_VERSION[1]))
      return candidate;
    tooOld.push(`${candidate} is ${version[0]}`);
  }
  const remedy = `Install Python ${MINIMUM_VERSION.join('.')} or newer, or set the environment variable PYTHON to its path.`;
  if (tooOld.length > 0) throw new CommandError(`Python is too old: ${tooOld.join(', ')}.`, remedy);
  throw new CommandError(`There is no Python: ${candidates.join(', ')} cannot be run.`, remedy);
}

async function makeVenv(base: string, directory: string, environment: NodeJS.ProcessEnv): Promise<void> {
  try {
    await execa(base, ['-m', 'venv', directory], { env: environment, extendEnv: false, all: true });
  } catch (error) {
    const output = error instanceof ExecaError ? String(error.all ?? '') : '';
    if (/ensurepip|No module named '?venv/.test(output))
      throw new CommandError(
        `Python's venv module is missing (${base} -m venv).`,
        'Install it (on Debian and Ubuntu: apt-get install python3-venv) and try again.',
      );
    throw new CommandError(
      `No Python environment could be created with ${base}: ${lastLine(output)}`,
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
    const output = error instanceof ExecaError ? String(error.all ?? '') : '';
    if (/hash/i.test(output) && /do not match/i.test(output))
      throw new CommandError(
        'The hash of a Python package differs from the pinned one.',
        'Check the package index in the configuration of pip.',
      );
    throw new CommandError(
      `The Python packages could not be installed: ${lastLine(output)}`,
      'Check that pip reaches its package index (network, proxy, pip config), then try again.',
    );
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
