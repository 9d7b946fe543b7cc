import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Argument } from '@commander-js/extra-typings';
import pLimit from 'p-limit';
import { colors } from '../../cli/support/colors.ts';
import { npmCommand, runCommand } from '../../cli/support/command.ts';
import { root } from '../../cli/support/paths.ts';
import { listrProgress } from '../../cli/support/progress.ts';
import { toolsOf } from '../../cli/support/tools.ts';
import { exclusively } from '../../local/lock.ts';
import { recordings } from '../../local/paths.ts';
import { type Options, runJest } from './jest.ts';
import type { Project } from './paths.ts';
import { countsOf, type Result } from './result.ts';
import { testsAreRunning } from './running.ts';
import { checkWith } from './tool.ts';

/** A run of Jest: a project, or those of its files that can share a local AWS. */
interface Part extends Pick<Options, 'workers' | 'pattern' | 'except' | 'environment' | 'run'> {
  name: string;
  project: Project;
}

const unit: Part = { name: 'unit', project: 'unit', workers: availableParallelism() };
const tracePage: Part = { name: 'trace page', project: 'trace-page', workers: 1 };
/** Files that share a local AWS run one after the other: they would only wait for each other. */
const localAws: Part = { name: 'local-aws', project: 'local-aws', workers: 1 };
const e2e: Part = { name: 'e2e', project: 'e2e', workers: 1, except: '/e2e/(tools/|openapi)' };
/** Installs Schemathesis first, and sends requests for a minute. */
const openapi: Part = {
  name: 'openapi',
  project: 'e2e',
  workers: 1,
  pattern: '/e2e/openapi',
  run: 'openapi',
};
/** Tests of command lines and guides, each part with a local AWS of its own, because the tests cause failures. */
const tools = (name: string, files: string): Part => ({
  name,
  project: 'e2e',
  workers: 1,
  pattern: `/e2e/tools/(${files})`,
  run: name,
  environment: { TEST_DIRECTORY: `test-${name}` },
});
const commands = tools('commands', 'cli|scripts|trace|preflight');
/** Starts a local AWS with further targets itself. */
const targets = tools('targets', 'targets');
const subscribers = tools('subscribers', 'delivery|example');
const alarms = tools('alarms', 'alarms');
/** The acceptance on a system with several defects; `acceptanceWhole` tests the others one by one, and the whole acceptance. */
const acceptance = tools('acceptance', 'acceptance-sample');
const acceptanceWhole = tools('acceptance-whole', 'acceptance-whole');
/** The commands of the guides, with the AWS CLI and the CDK CLI, which are slow. */
const guides = tools('guides', 'deploying|migration|payments|runbooks');
/** App1 and App2 in two accounts. */
const accounts: Part = {
  name: 'accounts',
  project: 'accounts',
  workers: 1,
  environment: { TEST_DIRECTORY: 'test-accounts' },
};
/** Removes permissions that other tests need, so it has a local AWS of its own. */
const permissions: Part = { name: 'permissions', project: 'permissions', workers: 1 };
/** Cases of the failure suite wait for most of their duration, and each affects one provisioning only. */
const faults: Part = { name: 'faults', project: 'faults', workers: 2, except: '/faults/alone/' };
/** Cases that affect every provisioning: one after the other, on a local AWS of their own. */
const faultsAlone: Part = {
  name: 'faults, alone',
  project: 'faults',
  workers: 1,
  pattern: '/faults/alone/',
  run: 'faults-alone',
  environment: { FAULTS_DIRECTORY: 'faults-alone' },
};
/** Every fault of the matrix at one of two targets. */
const faultsBeside: Part = {
  name: 'faults, beside',
  project: 'faults',
  workers: 1,
  pattern: '/faults/(matrix|alone/(shared|notified)).test.ts',
  run: 'faults-beside',
  environment: { FAULTS_DIRECTORY: 'faults-beside', FAULTS_BESIDE: 'app2,payments' },
};

/** Measures durations, so nothing else runs at the same time. */
const load: Part = { name: 'load', project: 'load', workers: 1 };
/** `npm test` measures a burst only; an outage of another target takes a minute. */
const burst: Part = { ...load, name: 'burst', pattern: '/load/deployed/burst' };

/** Compares the recordings of the earlier parts with the service models of AWS. */
const models: Part = { name: 'models', project: 'models', workers: 1 };

/** The linters and rule packs over every variant of the templates. They need no local AWS, and half a minute of a core. */
const templates: Part = { name: 'templates', project: 'templates', workers: 1 };

/** Builds, packs and installs the package, and uses it as another team does. */
const packed: Part = { name: 'package', project: 'package', workers: 1 };

/** The folder of the templates that the tests share, as in jest.config.js. */
const templateCache = join(root, '.build', 'templates');

/**
 * Number of parts that run at the same time on two cores. Those with a local AWS wait for most of their duration: each uses a
 * fifth to a half of a core.
 */
const MAX_CONCURRENT_PARTS = 6;

/** The parts of each suite, one group after the other; within a group, the longest part first. */
const suites = [
  'all',
  'unit',
  'package',
  'permissions',
  'openapi',
  'guides',
  'acceptance',
  'faults',
] as const;
const selections: Record<(typeof suites)[number], readonly (readonly Part[])[]> = {
  all: [
    [
      faults,
      subscribers,
      targets,
      e2e,
      unit,
      acceptance,
      commands,
      localAws,
      templates,
      alarms,
      accounts,
      packed,
      tracePage,
    ],
    [models],
    [burst],
  ],
  unit: [[unit]],
  package: [[packed]],
  permissions: [[permissions]],
  openapi: [[openapi]],
  guides: [[guides]],
  acceptance: [[acceptanceWhole, acceptance]],
  faults: [[faults, faultsAlone], [faultsBeside], [load]],
};

/**
 * `npm test`: everything that CI runs, with a sample of the failure suite; `npm run test:unit`: the tests without a local
 * AWS; `npm run test:faults`: the whole failure suite, at the target of `FAULTS_TARGET`; `npm run test:permissions`: removes each permission; `npm run
 * test:openapi`: random requests to both APIs; `npm run test:guides`: the commands of the guides; `npm run
 * test:acceptance`: the acceptance with every defect. The last line is `N passed, N failed`; Biome, the type checker and
 * the secret scanner count as one each. The exit status is 0 only if nothing failed.
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('test')
    .description('Runs the tests that CI runs, or one suite; `npm run test:one` runs the tests of a path.')
    .addArgument(new Argument('[suite]', 'all by default').choices(suites).default('all'));
  return runCommand(
    () => command.parse(args, { from: 'user' }),
    () => {
      const [suite] = command.processedArgs;
      const environment = suite === 'all' ? { FAULTS: 'sample' } : {};
      const run = () => runAll(selections[suite], environment);
      return exclusively(join(root, '.build'), run, { heldError: testsAreRunning });
    },
  );
}

async function runAll(
  groups: readonly (readonly Part[])[],
  environment: Record<string, string>,
): Promise<number> {
  const results = await listrProgress.run('Biome, TypeScript and secretlint', () =>
    Promise.all([...toolsOf.lint, ...toolsOf.typecheck].map(checkWith)),
  );
  for (const { output } of results) if (output !== undefined) process.stderr.write(`${output}\n`);
  // Those of earlier sources are of no use.
  await rm(templateCache, { recursive: true, force: true });
  // The recordings of an earlier run do not belong to this one.
  if (groups.some((parts) => parts.includes(models))) await rm(recordings, { recursive: true, force: true });
  const limit = pLimit(MAX_CONCURRENT_PARTS);
  for (const parts of groups)
    results.push(...(await Promise.all(parts.map((part) => limit(() => testsOf(part, environment))))));

  process.stdout.write('\n');
  for (const result of results) print(result);
  const [passed, failed] = [sum(results, 'passed'), sum(results, 'failed')];
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function testsOf(
  { name, project, ...options }: Part,
  environment: Record<string, string>,
): Promise<Result> {
  const startedAt = Date.now();
  const variables = { ...environment, ...options.environment };
  const counts = countsOf(await runJest(project, { ...options, environment: variables }));
  return { name: `Tests: ${name}`, ...counts, seconds: (Date.now() - startedAt) / 1000 };
}

function print({ name, passed, failed, seconds }: Result): void {
  const mark = failed === 0 ? colors.green('✔') : colors.red('✘');
  const counts = `${passed} passed, ${failed} failed`;
  process.stdout.write(`${mark} ${name.padEnd(20)} ${counts.padEnd(24)} ${seconds.toFixed(1)} s\n`);
}

const sum = (results: Result[], field: 'passed' | 'failed'): number =>
  results.reduce((total, result) => total + result[field], 0);
