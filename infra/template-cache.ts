import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';

/** Everything that determines a template besides the settings: the sources, and the packages that are installed. */
export const SOURCES = [
  'contracts',
  'handlers',
  'infra',
  'workflows',
  'cdk.json',
  'package-lock.json',
  join('node_modules', '.package-lock.json'),
];

/** Variables of the environment that CDK or a check of this repository reads. */
const isRead = (name: string): boolean => name.startsWith('CDK_');

/**
 * What `make` returns for these settings; read from a file if an earlier call with the same settings, sources, packages,
 * variables and Node.js has written it. The variable `TEMPLATE_CACHE` names the folder of the files; without it, every call
 * makes the templates. The tests set it: their files share no memory, and half of their time would be synthesis.
 * @param make must depend on nothing else
 */
export function cached<Result>(
  settings: Readonly<Record<string, string>>,
  parse: (written: unknown) => Result,
  make: () => Result,
  checkout = join(import.meta.dirname, '..'),
): Result {
  const folder = process.env['TEMPLATE_CACHE'];
  if (folder === undefined) return make();
  const file = join(folder, `${keyOf(settings, checkout)}.json`);
  if (existsSync(file)) return parse(JSON.parse(readFileSync(file, 'utf8')));
  const made = make();
  mkdirSync(folder, { recursive: true });
  // Renamed atomically: another process may read or write it at the same time.
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, JSON.stringify(made));
  renameSync(unfinished, file);
  return made;
}

/** A hash of all that determines the templates. */
function keyOf(settings: Readonly<Record<string, string>>, checkout: string): string {
  const hash = createHash('sha256');
  const add = (name: string, content: string | Buffer) =>
    hash.update(`${JSON.stringify(name)} ${Buffer.byteLength(content)} `).update(content);
  add('node', process.version);
  add('settings', JSON.stringify(Object.entries(settings)));
  for (const [name, value = ''] of Object.entries(process.env).sort()) if (isRead(name)) add(name, value);
  for (const path of SOURCES.flatMap((source) => filesOf(join(checkout, source))))
    add(relative(checkout, path), readFileSync(path));
  return hash.digest('hex');
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
