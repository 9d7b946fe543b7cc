import { type ExecFileOptions, execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { root } from '../../../cli/support/paths.ts';
import { npmVariables } from '../../support/npm-variables.ts';

/**
 * The package as another team has it: packed, and installed by npm into a folder outside the checkout, where Node.js finds
 * nothing of the checkout. The folder contains the examples, which depend on the packed package.
 */

const exec = promisify(execFile);
const failed = z.object({ stdout: z.string(), stderr: z.string() });

/** Runs a program. @returns its standard output @throws Error with the whole output when it fails */
async function execute(program: string, args: readonly string[], options: ExecFileOptions): Promise<string> {
  try {
    const { stdout } = await exec(program, args, { ...options, encoding: 'utf8' });
    return stdout;
  } catch (error) {
    const output = failed.safeParse(error);
    if (!output.success) throw error;
    throw new Error(`${[program, ...args].join(' ')}:\n${output.data.stdout}${output.data.stderr}`);
  }
}

/** TMPDIR is inside the checkout (cli/support/checkout.mjs). */
const TEMPORARY = '/tmp';

/** The manifest of the package, as far as the tests use it. */
export const manifest = z.object({
  name: z.string(),
  version: z.string(),
  peerDependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});

const packResult = z
  .array(
    z.object({
      filename: z.string(),
      /** Bytes of the tarball. */
      size: z.number(),
      files: z.array(z.object({ path: z.string() })),
    }),
  )
  .length(1);

export interface FreshFolder {
  directory: string;
  /** Bytes of the tarball, and the paths of its files. */
  packed: { size: number; files: string[] };
  /** Runs a program in the folder, or in a folder below it. @returns its standard output */
  run(
    program: string,
    args: readonly string[],
    folder?: string,
    variables?: Readonly<Record<string, string>>,
  ): Promise<string>;
  remove(): Promise<void>;
}

/** Packs the package, which builds it, and installs it with the examples. */
export async function freshFolder(): Promise<FreshFolder> {
  const directory = await mkdtemp(join(TEMPORARY, 'package-'));
  const run = (program: string, args: readonly string[], folder = '.', variables = {}) => {
    const { PATH, HOME } = process.env;
    // Without the variables that npm, tsx and Jest set for the tests.
    const environment = { PATH, HOME, CDK_VALIDATION: 'false', ...npmVariables(), ...variables };
    return execute(program, args, { cwd: join(directory, folder), env: environment });
  };
  // Otherwise the script that builds the package would write to standard output.
  const json = ['--json', '--foreground-scripts=false'];
  const listing = await execute('npm', ['pack', ...json, '--pack-destination', directory], { cwd: root });
  const [packed] = packResult.parse(JSON.parse(listing));
  await cp(join(root, 'examples'), join(directory, 'examples'), {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  });
  // One installation for all examples, which takes half of the time of two.
  await writeFile(
    join(directory, 'package.json'),
    JSON.stringify({ private: true, type: 'module', workspaces: ['examples/*'] }),
  );
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund']);
  return {
    directory,
    packed: { size: packed?.size ?? 0, files: packed?.files.map(({ path }) => path) ?? [] },
    run,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

export const readManifest = async (folder = root): Promise<z.infer<typeof manifest>> =>
  manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
