import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { type Checkout, checkout } from './support/checkout.ts';

jest.setTimeout(30_000);

const environment = { PYTHON: 'our-python' };
/** The first step of `up`. */
const install = ({ script, run }: Checkout) => {
  script(
    'install.ts',
    "import { ensurePython } from './python.ts';\nexport const main = () => ensurePython().then(() => 0);\n",
  );
  return run('install.ts', { environment });
};

describe('Python for the local AWS', () => {
  test('a missing Python fails with the version to install', async () => {
    await expect(checkout({ systemPrograms: false }).run('up.ts')).resolves.toMatchObject({
      status: 1,
      stderr:
        '\nThere is no Python: python3, python3.14, python3.13, python3.12, python3.11, python3.10 cannot be run.\n' +
        '→ Install Python 3.10 or newer, or set the environment variable PYTHON to its path.\n',
    });
  });

  test('an outdated Python fails with its version', async () => {
    const here = checkout();
    here.program('our-python', 'echo 3.9');

    await expect(install(here)).resolves.toMatchObject({
      status: 1,
      stderr:
        '\nPython is too old: our-python is 3.9.\n' +
        '→ Install Python 3.10 or newer, or set the environment variable PYTHON to its path.\n',
    });
  });

  test('a missing venv module fails with the command to install it; the next attempt succeeds', async () => {
    const here = checkout();
    python(here, {
      venv: 'echo "The virtual environment was not created because ensurepip is not available."; exit 1',
    });

    await expect(install(here)).resolves.toMatchObject({
      status: 1,
      stderr:
        "\nPython's venv module is missing (our-python -m venv).\n" +
        '→ Install it (on Debian and Ubuntu: apt-get install python3-venv) and try again.\n',
    });

    python(here);

    await expect(install(here)).resolves.toMatchObject({ status: 0 });
  });

  test('a failed pip installation fails with the message of pip and the remedy; the next attempt succeeds', async () => {
    const here = checkout();
    python(here, { pip: 'echo "ERROR: No matching distribution found" >&2; exit 1' });

    await expect(install(here)).resolves.toMatchObject({
      status: 1,
      stderr:
        '\nThe Python packages could not be installed: ERROR: No matching distribution found\n' +
        '→ Check that pip reaches its package index (network, proxy, pip config), then try again.\n',
    });

    python(here);

    await expect(install(here)).resolves.toMatchObject({ status: 0 });
  });

  test('a package with another hash is rejected', async () => {
    const here = checkout();
    python(here, {
      pip: 'echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE." >&2; exit 1',
    });

    await expect(install(here)).resolves.toMatchObject({
      status: 1,
      stderr:
        '\nThe hash of a Python package differs from the pinned one.\n' +
        '→ Check the package index in the configuration of pip.\n',
    });
  });

  test('an interrupted installation is repeated, and a complete one is not', async () => {
    const here = checkout();
    python(here);
    await install(here);
    const venv = join(here.directory, '.local', 'venv');
    const leftover = join(venv, 'leftover');
    mkdirSync(leftover);
    await install(here);

    expect(existsSync(leftover)).toBe(true);

    rmSync(join(venv, 'installed'));
    await install(here);

    expect(existsSync(leftover)).toBe(false);
  });
});

/** A supported Python; `venv` and `pip` are its commands for `-m venv` and `-m pip`. */
function python(
  { directory, program }: Checkout,
  {
    venv = `mkdir -p "$3/bin" && cp "${join(directory, 'bin', 'our-python')}" "$3/bin/python"`,
    pip = 'exit 0',
  } = {},
): void {
  program(
    'our-python',
    `case "$1 $2" in
      "-c "*) echo 3.14 ;;
      "-m venv") ${venv} ;;
      "-m pip") ${pip} ;;
    esac`,
  );
}
