import { availableParallelism } from 'node:os';
import { colors } from './colors.ts';
import { Problem } from './problem.ts';
import { listrProgress } from './progress.ts';
import { type Project, runJest } from './test/jest.ts';
import { countsOf, type Result } from './test/result.ts';
import { checkWith } from './test/tool.ts';

/** Those that share one local AWS run one after the other: they would only wait for each other. */
const workers: Record<Project, number> = {
  unit: availableParallelism(),
  'local-aws': 1,
  e2e: 1,
  faults: 1,
};

/** Which projects a command runs. */
const selections: Record<string, readonly Project[]> = {
  all: ['unit', 'local-aws', 'e2e', 'faults'],
  unit: ['unit'],
  faults: ['faults'],
};

/**
 * `npm test`: everything that CI runs, with a sample of the failure matrix; `npm run test:unit`: what needs no local
 * AWS; `npm run test:faults`: the whole failure matrix. The last line is `N passed, N failed`; Biome and the type
 * checker count as one each. The exit status is 0 only when nothing failed.
 */
export async function main([only = 'all']: string[]): Promise<number> {
  const projects = selections[only];
  if (projects === undefined)
    throw new Problem(`There are no tests called ${only}.`, 'Say `unit` or `faults`, or nothing for all.');
  const environment = only === 'all' ? { FAULTS: 'sample' } : {};
  const results = await listrProgress.run('Biome and TypeScript', () =>
    Promise.all([
      checkWith('Biome', 'biome', ['check', '--error-on-warnings']),
      checkWith('TypeScript', 'tsc', []),
    ]),
  );
  for (const { complaint } of results) if (complaint !== undefined) process.stderr.write(`${complaint}\n`);
  for (const project of projects) results.push(await testsOf(project, environment));

  process.stdout.write('\n');
  for (const result of results) show(result);
  const [passed, failed] = [sum(results, 'passed'), sum(results, 'failed')];
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function testsOf(project: Project, environment: Record<string, string>): Promise<Result> {
  const begun = Date.now();
  const counts = countsOf(await runJest(project, { workers: workers[project], environment }));
  return { name: `Tests: ${project}`, ...counts, seconds: (Date.now() - begun) / 1000 };
}

function show({ name, passed, failed, seconds }: Result): void {
  const mark = failed === 0 ? colors.green('✔') : colors.red('✘');
  const counts = `${passed} passed, ${failed} failed`;
  process.stdout.write(`${mark} ${name.padEnd(17)} ${counts.padEnd(24)} ${seconds.toFixed(1)} s\n`);
}

const sum = (results: Result[], what: 'passed' | 'failed'): number =>
  results.reduce((total, result) => total + result[what], 0);
