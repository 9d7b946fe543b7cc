import { describe, expect, it } from '@jest/globals';
import { type Import, importsBelow } from '../../docs/generate/imports.ts';

/**
 * The folders in the order of their layers: a folder imports only from folders above it, and only from those that are
 * named here. `test` may import every folder, and no folder imports `test`.
 */
const layers = {
  contracts: [],
  handlers: ['contracts'],
  workflows: ['contracts'],
  infra: ['contracts', 'handlers', 'workflows'],
  cli: ['contracts', 'handlers', 'infra', 'workflows'],
  package: ['contracts', 'handlers', 'workflows', 'infra', 'cli'],
  examples: [],
  trace: ['contracts', 'handlers', 'infra', 'cli'],
  acceptance: ['contracts', 'handlers', 'infra', 'cli'],
  local: ['contracts', 'handlers', 'cli'],
  bench: ['contracts', 'handlers', 'infra', 'cli', 'local'],
  docs: ['contracts', 'handlers', 'infra', 'workflows', 'cli', 'package', 'acceptance'],
  test: [
    'contracts',
    'handlers',
    'workflows',
    'infra',
    'cli',
    'package',
    'examples',
    'trace',
    'acceptance',
    'local',
    'bench',
    'docs',
  ],
} as const satisfies Record<string, readonly string[]>;

const folders = Object.keys(layers);
const imports = importsBelow(folders);

/** The imports of files whose paths begin so. */
const importsOf = (...paths: string[]): Import[] => {
  const found = imports.filter(({ from }) => paths.some((path) => from.startsWith(path)));
  expect(found.length).toBeGreaterThan(0);
  return found;
};
const format = (found: Import[]) => found.map(({ from, to }) => `${from} imports ${to}`);
const folderOf = (path: string): string | undefined =>
  folders.find((folder) => path.startsWith(`${folder}/`));

describe('the import rules', () => {
  it.each(Object.entries(layers))('let %s import only %j and packages', (folder, allowed) => {
    const others = importsOf(`${folder}/`).filter(({ to }) => {
      const target = folderOf(to);
      return target !== undefined && target !== folder && !(allowed as readonly string[]).includes(target);
    });

    expect(format(others)).toEqual([]);
  });

  it('let contracts import no package but zod', () => {
    const others = importsOf('contracts/').filter(({ to }) => to !== 'zod' && folderOf(to) === undefined);

    expect(format(others)).toEqual([]);
  });

  it('let handlers import no CDK', () => {
    expect(format(importsOf('handlers/').filter(({ to }) => /^(aws-cdk|constructs)/.test(to)))).toEqual([]);
  });

  it.each([
    ['app1', /(^|\/)app2[/-](?!api\.ts|client\.ts|token\.ts)/],
    ['app2', /(^|\/)app1[/-]/],
  ])('let the code of %s know only the contract of the other service', (service, other) => {
    const own = importsOf(`handlers/${service}/`, `workflows/${service}/`, `infra/${service}-`);

    expect(format(own.filter(({ to }) => other.test(to)))).toEqual([]);
  });

  it('let what both services share import neither of them', () => {
    const shared = importsOf('handlers/shared/', 'workflows/states.ts', 'workflows/retry-policies.ts');

    expect(format(shared.filter(({ to }) => /^(handlers|workflows)\/app[12]\//.test(to)))).toEqual([]);
  });

  it('let the entry point of a function be imported by no other entry point', () => {
    const entryPoint = /^handlers\/app[12]\/[^/]+\.ts$/;
    const between = importsOf('handlers/').filter(
      ({ from, to }) => entryPoint.test(from) && entryPoint.test(to),
    );

    expect(format(between)).toEqual([]);
  });

  it('let the entry files of the package lead to no package but its peers', () => {
    const entries = importsOf('package/').filter(({ from }) =>
      /^package\/(constructs|events|workflows)\.ts$/.test(from),
    );
    const others = reachedFrom(entries).filter(
      ({ to }) => folderOf(to) === undefined && !/^(node:\w+|zod|constructs|aws-cdk-lib(\/.+)?)$/.test(to),
    );

    expect(format(others)).toEqual([]);
  });

  it('let the command line and the trace page find a deployed system by one module', () => {
    const readers = imports.filter(({ to }) => to === 'cli/outputs.ts').map(({ from }) => from);
    // The preflight reads the outputs of templates that are not deployed yet.
    const ofDeployed = readers.filter((from) => !from.startsWith('cli/preflight/'));

    expect(ofDeployed.filter((from) => /^(cli|trace)\//.test(from))).toEqual(['cli/target-environment.ts']);
  });

  it('let an import name a file with its extension', () => {
    const inexact = imports.filter(
      ({ to }) => folderOf(to) !== undefined && !/\.(tsx?|json|css|mjs)$/.test(to),
    );

    expect(format(inexact)).toEqual([]);
  });

  it('allow no circle', () => {
    expect(circlesIn(imports)).toEqual([]);
  });
});

describe('the search for circles', () => {
  it('finds a circle of three files', () => {
    const circle = [
      { from: 'cli/a.ts', to: 'cli/b.ts' },
      { from: 'cli/b.ts', to: 'cli/c.ts' },
      { from: 'cli/c.ts', to: 'cli/a.ts' },
      { from: 'cli/c.ts', to: 'zod' },
    ];

    expect(circlesIn(circle)).toEqual([['cli/a.ts', 'cli/b.ts', 'cli/c.ts']]);
  });
});

/** These imports, and all that the imported files import. */
function reachedFrom(first: readonly Import[]): Import[] {
  const reached = [...first];
  const files = new Set(first.map(({ from }) => from));
  for (const { to } of reached) {
    if (files.has(to)) continue;
    files.add(to);
    reached.push(...imports.filter(({ from }) => from === to));
  }
  return reached;
}

/** The first circle that leads through each file, without those that were found before. */
function circlesIn(all: readonly Import[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of all) targets.set(from, [...(targets.get(from) ?? []), to]);
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) circles.push(path.slice(start));
    if (start >= 0 || done.has(file)) return;
    for (const to of targets.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return circles;
}
