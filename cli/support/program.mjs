/**
 * Programs of this checkout, each bundled into one file the first time that it is started, and again when something
 * that it was made from has changed. The AWS SDK is a thousand small files: to load them takes three times as long as
 * to load the bundle, which counts for a command that is typed, and for tests that type a hundred of them. Plain Node,
 * since nothing else can be read before it.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** What every program is made from: how it is bundled, and the packages that are installed. */
const ALWAYS = ['cli/support/program.mjs', 'package-lock.json'];
/** The packages that are worth it; the others are loaded from where they are, since some look for files beside them. */
const BUNDLED = /^(@aws|@aws-crypto|@aws-sdk|@commander-js|@smithy|commander|zod)(\/|$)/;
/** What stands before the files that a program was made from, on its last line. */
const MADE_FROM = '// made from ';

/** Loads the program of this TypeScript file, whose name is relative to the checkout. */
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

/** Whether nothing has changed that the program was made from. */
function isFresh(program) {
  try {
    const text = readFileSync(program, 'utf8');
    const last = text.slice(text.lastIndexOf('\n') + 1);
    if (!last.startsWith(MADE_FROM)) return false;
    return Object.entries(JSON.parse(last.slice(MADE_FROM.length))).every(
      ([path, state]) => stateOf(join(root, path)) === state,
    );
  } catch {
    return false; // not there, or made from what is not there any more
  }
}

/** Tells a file from what it was before. */
function stateOf(path) {
  const { mtimeMs, size } = statSync(path);
  return `${mtimeMs} ${size}`;
}

async function make(file, program) {
  const { build, stop } = await import('esbuild');
  const madeFrom = Object.fromEntries(ALWAYS.map((path) => [path, stateOf(join(root, path))]));
  const { outputFiles } = await build({
    entryPoints: [join(root, file)],
    absWorkingDir: root,
    bundle: true,
    write: false,
    outfile: program,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // The SDK's files for CommonJS are far fewer.
    mainFields: ['main'],
    // Errors are told by their names.
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    tsconfigRaw: {},
    logLevel: 'silent',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    plugins: [packages, sources(madeFrom)],
  });
  await stop();
  mkdirSync(dirname(program), { recursive: true });
  for (const { path, text } of outputFiles) {
    // Put there at once: another process may read it, or make it, too.
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

/** The checkout's own files: remembers what they were, and lets them know where they are. */
const sources = (madeFrom) => ({
  name: 'sources',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.(ts|json)$/ }, ({ path }) => {
      if (path.includes('/node_modules/')) return undefined;
      // Before it is read: what changes later is seen.
      madeFrom[relative(root, path)] = stateOf(path);
      const places = { dirname: dirname(path), filename: path, url: pathToFileURL(path).href };
      const contents = readFileSync(path, 'utf8').replace(
        /\bimport\.meta\.(dirname|filename|url)\b/g,
        (_all, which) => JSON.stringify(places[which]),
      );
      return { contents, loader: extname(path).slice(1) };
    }),
});
