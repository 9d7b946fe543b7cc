import { existsSync, readdirSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import * as z from 'zod';
import { CommandError } from '../../cli/support/command-error.ts';
import { root } from '../../cli/support/paths.ts';
import { nearest } from '../../infra/nearest.ts';

/** The projects of jest.config.js. */
export const projects = [
  'unit',
  'trace-page',
  'local-aws',
  'e2e',
  'permissions',
  'accounts',
  'package',
  'faults',
  'models',
  'templates',
  'load',
] as const;
export type Project = (typeof projects)[number];

/** The fields of jest.config.js that the runner uses: each project with the folders of its tests. */
const configuration = z.object({
  default: z.object({
    projects: z.array(z.object({ displayName: z.enum(projects), roots: z.array(z.string()).nonempty() })),
  }),
});

const ROOT_DIR = '<rootDir>/';
const TEST = '.test.ts';

/**
 * The tests that these paths select, relative to the checkout, by their project.
 * @throws CommandError if a path selects no test
 */
export async function testsOf(paths: readonly string[]): Promise<Map<Project, string[]>> {
  const all = await allTests();
  const found = new Map<Project, string[]>();
  const files = new Set(paths.flatMap((path) => selectedBy(path, [...all.keys()])));
  for (const file of files) {
    const project = all.get(file);
    if (project !== undefined) found.set(project, [...(found.get(project) ?? []), file]);
  }
  return found;
}

/** Every test of the checkout with its project: that of the innermost folder. */
async function allTests(): Promise<Map<string, Project>> {
  const loaded: unknown = await import('../../jest.config.js');
  const folders = configuration
    .parse(loaded)
    .default.projects.flatMap(({ displayName, roots }) =>
      roots.map((folder) => ({ project: displayName, folder: folder.replace(ROOT_DIR, '') })),
    )
    .sort((a, b) => a.folder.length - b.folder.length);
  return new Map(
    folders.flatMap(({ project, folder }) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith(TEST))
        .sort()
        .map((file) => [join(folder, file), project] as const),
    ),
  );
}

/** The tests that a path on the command line selects. */
function selectedBy(typed: string, tests: readonly string[]): string[] {
  const path = fromCheckout(typed);
  const mirrored = join('test', path.replace(/\.tsx?$/, TEST));
  const selected =
    [[path], [mirrored]].find(([file = '']) => tests.includes(file)) ??
    [path, join('test', path)]
      .map((folder) => tests.filter((file) => file.startsWith(`${folder}/`)))
      .find(({ length }) => length > 0) ??
    tests.filter((file) => file.includes(typed));
  if (selected.length > 0) return selected;
  const meant = nearest(nameOf(typed), tests.map(nameOf));
  const files = tests.filter((file) => nameOf(file) === meant);
  throw new CommandError(
    `No test has the path ${typed}.`,
    files.length > 0
      ? `Is ${files.join(' or ')} meant?`
      : 'Name a test (test/cli/logs.test.ts), a folder of tests (test/cli), or the source file that a test below test/ mirrors (cli/logs.ts).',
  );
}

/** A path on the command line, relative to the folder in which npm was called. */
function fromCheckout(typed: string): string {
  const path = resolve(process.env['INIT_CWD'] ?? root, typed);
  const inside = relative(root, existsSync(path) ? path : resolve(root, typed));
  return isAbsolute(inside) || inside.startsWith('..') ? typed : inside;
}

const nameOf = (path: string): string => path.replace(/.*\//, '').replace(/(\.test)?\.[a-z]+$/, '');
