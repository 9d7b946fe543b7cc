/**
 * Bundles a program of this checkout into one file at its first start, and again when one of its sources has changed. The
 * AWS SDK has a thousand small files: loading them takes three times as long as loading the bundle. This file is plain
 * JavaScript, because it runs before TypeScript can be loaded.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Sources of every program: this file and the lockfile. */
const ALWAYS = ['cli/support/program.mjs', 'package-lock.json'];
/** The packages that are bundled. The others are loaded from node_modules, because some read files next to their own. */
const BUNDLED = /^(@aws|@aws-crypto|@aws-sdk|@commander-js|@smithy|commander|zod)(\/|$)/;
/** esbuild options of every program, here and in the package. */
export const programOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // The SDK has fewer CommonJS files than ES modules.
  mainFields: ['main'],
  // Code compares errors by their names.
  keepNames: true,
  tsconfigRaw: {},
  logLevel: 'silent',
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
};
/** Prefix of the last line of a bundle, which lists its sources. */
const MADE_FROM = '// made from ';

/** Loads the program in a TypeScript file; `file` is relative to the checkout. */
export async function load(file) {
  const program = join(
    root,
    '.build',
    'programs',
    `${relative(root, join(root, file)).replaceAll('/', '-')}.mjs`,
  );
  if (!isFresh(program)) await make(file, program);
  process.setSourceMapsEnabled(true);
  return import(pathToFileURL(program).href);
}

/** Whether no source of the bundle has changed. */
function isFresh(program) {
  try {
    const text = readFileSync(program, 'utf8');
    const last = text.slice(text.lastIndexOf('\n') + 1);
    if (!last.startsWith(MADE_FROM)) return false;
    return Object.entries(JSON.parse(last.slice(MADE_FROM.length))).every(
      ([path, state]) => stateOf(join(root, path)) === state,
    );
  } catch {
    return false; // no bundle, or one of its sources was deleted
  }
}

/** A value that changes with the content of a file. */
function stateOf(path) {
  const { mtimeMs, size } = statSync(path);
  return `${mtimeMs} ${size}`;
}

async function make(file, program) {
  const { build, stop } = await import('esbuild');
  const madeFrom = Object.fromEntries(ALWAYS.map((path) => [path, stateOf(join(root, path))]));
  const { outputFiles } = await build({
    ...programOptions,
    entryPoints: [join(root, file)],
    absWorkingDir: root,
    write: false,
    outfile: program,
    sourcemap: 'linked',
    sourcesContent: false,
    plugins: [packages, sources(madeFrom)],
  });
  await stop();
  mkdirSync(dirname(program), { recursive: true });
  for (const { path, text } of outputFiles) {
    // Renamed atomically: another process may read or write it at the same time.
    const made = `${path}.${process.pid}`;
    writeFileSync(made, path === program ? `${text}${MADE_FROM}${JSON.stringify(madeFrom)}` : text);
    renameSync(made, path);
  }
}

const packages = {
  name: 'packages',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^[^./]/ }, ({ path }) =>
      BUNDLED.test(path) ? undefined : { path, external: true },
    ),
};

/** The checkout's own files: records their states, and replaces import.meta by their paths. */
const sources = (madeFrom) => ({
  name: 'sources',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.(ts|json)$/ }, ({ path }) => {
      if (path.includes('/node_modules/')) return undefined;
      // Before it is read, so that a later change is noticed.
      madeFrom[relative(root, path)] = stateOf(path);
      const paths = { dirname: dirname(path), filename: path, url: pathToFileURL(path).href };
      const contents = readFileSync(path, 'utf8').replace(
        /\bimport\.meta\.(dirname|filename|url)\b/g,
        (_all, which) => JSON.stringify(paths[which]),
      );
      return { contents, loader: extname(path).slice(1) };
    }),
});
