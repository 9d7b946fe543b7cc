import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { colors } from './colors.ts';
import { exclusively } from './lock.ts';
import { root } from './places.ts';
import { Problem } from './problem.ts';
import { listrProgress } from './progress.ts';
import { type Options, type Project, runJest } from './test/jest.ts';
import { countsOf, type Result } from './test/result.ts';
import { checkWith } from './test/tool.ts';

/** What is run at once: a project, or the files of it that can share its local AWS. */
interface Part extends Pick<Options, 'workers' | 'pattern' | 'except'> {
  name: string;
  project: Project;
}

const unit: Part = { name: 'unit', project: 'unit', workers: availableParallelism() };
/** Those that share one local AWS run one after the other: they would only wait for each other. */
const localAws: Part = { name: 'local-aws', project: 'local-aws', workers: 1 };
const e2e: Part = { name: 'e2e', project: 'e2e', workers: 1 };
/** Cases of the failure suite wait most of the time, and are each about a provisioning of their own ... */
const faults: Part = { name: 'faults', project: 'faults', workers: 2, except: '/faults/alone/' };
/** ... but for those that change something for all. */
const faultsAlone: Part = { name: 'faults, alone', project: 'faults', workers: 1, pattern: '/faults/alone/' };

/** Which parts a command runs. */
const selections: Record<string, readonly Part[]> = {
  all: [unit, localAws, e2e, faults],
  unit: [unit],
  faults: [faults, faultsAlone],
};

/**
 * `npm test`: everything that CI runs, with a sample of the failure suite; `npm run test:unit`: what needs no local
 * AWS; `npm run test:faults`: the whole failure suite. The last line is `N passed, N failed`; Biome and the type
 * checker count as one each. The exit status is 0 only when nothing failed.
 */
export async function main([only = 'all']: string[]): Promise<number> {
  const parts = selections[only];
  if (parts === undefined)
    throw new Problem(`There are no tests called ${only}.`, 'Say `unit` or `faults`, or nothing for all.');
  const environment = only === 'all' ? { FAULTS: 'sample' } : {};
  return exclusively(join(root, '.build'), () => runAll(parts, environment), { busy });
}

/** Two runs would take down each other's local AWS. */
const busy = new Problem(
  'Tests are running already in this checkout.',
  'Wait until that run has ended, or stop it.',
);

async function runAll(parts: readonly Part[], environment: Record<string, string>): Promise<number> {
  const results = await listrProgress.run('Biome and TypeScript', () =>
    Promise.all([
      checkWith('Biome', 'biome', ['check', '--error-on-warnings']),
      checkWith('TypeScript', 'tsc', []),
    ]),
  );
  for (const { complaint } of results) if (complaint !== undefined) process.stderr.write(`${complaint}\n`);
  for (const part of parts) results.push(await testsOf(part, environment));

  process.stdout.write('\n');
  for (const result of results) show(result);
  const [passed, failed] = [sum(results, 'passed'), sum(results, 'failed')];
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function testsOf(
  { name, project, ...options }: Part,
  environment: Record<string, string>,
): Promise<Result> {
  const begun = Date.now();
  const counts = countsOf(await runJest(project, { ...options, environment }));
  return { name: `Tests: ${name}`, ...counts, seconds: (Date.now() - begun) / 1000 };
}

function show({ name, passed, failed, seconds }: Result): void {
  const mark = failed === 0 ? colors.green('✔') : colors.red('✘');
  const counts = `${passed} passed, ${failed} failed`;
  process.stdout.write(`${mark} ${name.padEnd(20)} ${counts.padEnd(24)} ${seconds.toFixed(1)} s\n`);
}

const sum = (results: Result[], what: 'passed' | 'failed'): number =>
  results.reduce((total, result) => total + result[what], 0);
