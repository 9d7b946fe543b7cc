import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { guarded } from '../../local/interrupt.ts';
import { stopProcessGroup } from '../../local/server.ts';
import type { Project } from './paths.ts';

/** The fields of Jest's report that the runner uses (jestjs.io/docs/cli#--json). */
const report = z.object({
  numPassedTests: z.int(),
  numTotalTests: z.int(),
  /** Number of files that could not be loaded; the total does not contain their tests. */
  numRuntimeErrorTestSuites: z.int(),
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(
        z.object({ ancestorTitles: z.array(z.string()), fullName: z.string(), status: z.string() }),
      ),
    }),
  ),
});

export interface JestRun {
  exitCode: number;
  /** `undefined` if Jest failed before it ran a test. */
  report: z.infer<typeof report> | undefined;
}

/** Time limit in which an interrupted Jest stops its local AWS, in milliseconds. */
const STOP_LIMIT = 20_000;

export interface Options {
  workers: number;
  environment?: Record<string, string>;
  /** Root of the checkout; this one by default. */
  checkout?: string;
  /** Files of the project, as a regular expression; all by default. */
  pattern?: string;
  /** Excluded files, as a regular expression. */
  except?: string;
  /** Names of the cases, as a regular expression; all by default. */
  names?: string;
  /** Distinguishes the report from that of a concurrent run of the project. */
  run?: string;
}

/** Runs one project in a process, which prints its progress. The report remains in `.build/` of the checkout. */
export async function runJest(
  project: Project,
  { workers, environment = {}, checkout = root, pattern, except, names, run = project }: Options,
): Promise<JestRun> {
  const folder = join(checkout, '.build');
  const file = join(folder, `jest-${run}.json`);
  await mkdir(folder, { recursive: true });
  await rm(file, { force: true });
  const jest = execa(
    process.execPath,
    [
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      ...['--selectProjects', project, '--maxWorkers', String(workers), '--ci'],
      ...['--json', '--outputFile', file],
      ...(pattern === undefined ? [] : [`--testPathPatterns=${pattern}`]),
      ...(except === undefined ? [] : [`--testPathIgnorePatterns=${except}`]),
      ...(names === undefined ? [] : [`--testNamePattern=${names}`]),
    ],
    {
      cwd: checkout,
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
      env: environment,
      reject: false,
      // A process group of its own, so that its workers end with it.
      detached: true,
    },
  );
  const { exitCode = 1 } = await guarded(
    async () => {
      if (jest.pid !== undefined) await stopProcessGroup(jest.pid, STOP_LIMIT);
    },
    async () => jest,
  );
  return {
    exitCode,
    report: existsSync(file) ? report.parse(JSON.parse(await readFile(file, 'utf8'))) : undefined,
  };
}
