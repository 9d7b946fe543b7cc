import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { guarded } from '../../local/interrupt.ts';
import { stopProcessGroup } from '../../local/server.ts';
import type { Project } from './paths.ts';

/** What is read of Jest's report (jestjs.io/docs/cli#--json). */
const report = z.object({
  numPassedTests: z.int(),
  numTotalTests: z.int(),
  /** Files that could not be loaded; their tests are not among the total. */
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
  /** Absent when Jest did not get as far as to run a test. */
  report: z.infer<typeof report> | undefined;
}

/** Time that an interrupted Jest has to take its local AWS down, in milliseconds. */
const STOP_LIMIT = 20_000;

export interface Options {
  workers: number;
  environment?: Record<string, string>;
  /** Another checkout than this one. */
  checkout?: string;
  /** Files of the project, as a regular expression; all unless given. */
  pattern?: string;
  /** Files that are not run, as a regular expression. */
  except?: string;
  /** Names of the cases to run, as a regular expression; all unless given. */
  names?: string;
  /** Tells the report from that of another run of the project at the same time. */
  run?: string;
}

/** Runs one project in a process of its own, which shows what it does. Its report stays in the checkout's `.build/`. */
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
      // A group of its own: its workers have to end with it.
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
