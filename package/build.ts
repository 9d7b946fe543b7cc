import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';
import { programWithoutArguments } from '../cli/support/command.ts';
import { root } from '../cli/support/paths.ts';
import { programOptions } from '../cli/support/program.mjs';
import { listrProgress } from '../cli/support/progress.ts';
import { environments } from '../handlers/app2/lib/environments.ts';
import { bundleInto } from '../infra/bundle.ts';
import { noticesOf } from './notices.ts';

/** Everything that `npm pack` packs is in this folder, except for the files that package.json lists by their names. */
const dist = join(root, 'dist');
/** The hash of the sources from which the folder was built. */
const builtFrom = join(root, '.build', 'package.sha256');

/** The functions of every target. `sample` is a business endpoint of App2. */
const ofEveryTarget = Object.keys(environments).filter((name) => name !== 'sample');

/** Files and folders from which the package is built. */
const SOURCES = [
  'cli',
  'contracts',
  'handlers',
  'infra',
  'package',
  'workflows',
  'package-lock.json',
  'tsconfig.json',
];

/** `npm run build`: builds the package into dist/, unless it was built from the same sources. */
export const main = programWithoutArguments('build', 'Builds the package for `npm pack`.', async () => {
  const sources = hashOf(SOURCES);
  if (existsSync(dist) && existsSync(builtFrom) && readFileSync(builtFrom, 'utf8') === sources) return 0;
  await listrProgress.run('Building the package', buildPackage);
  await mkdir(join(root, '.build'), { recursive: true });
  await writeFile(builtFrom, sources);
  return 0;
});

async function buildPackage(report: (line: string) => void): Promise<void> {
  await rm(builtFrom, { force: true });
  await rm(dist, { recursive: true, force: true });
  report('modules and types');
  await execa('tsc', ['-p', 'package'], { cwd: root, preferLocal: true });
  report('functions');
  const functions = await bundleInto(join(dist, 'bundles'), { app1: [], app2: ofEveryTarget });
  report('provision');
  const { metafile: program } = await build({
    ...programOptions,
    entryPoints: [join(root, 'cli', 'provision.ts')],
    outfile: join(dist, 'cli', 'provision.mjs'),
    absWorkingDir: root,
    minify: true,
    metafile: true,
  });
  await writeFile(join(dist, 'THIRD-PARTY-LICENSES.md'), noticesOf([functions, program]));
}

/** A hash of the paths and the content of files, and of all files below folders. */
function hashOf(paths: readonly string[]): string {
  const hash = createHash('sha256');
  const files = paths.flatMap((path) =>
    path.includes('.')
      ? [path]
      : readdirSync(join(root, path), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
  );
  for (const file of files.sort()) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}
