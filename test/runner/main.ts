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

/** What is run at once: a project, or the files of it that can share its local AWS. */
interface Part extends Pick<Options, 'workers' | 'pattern' | 'except' | 'environment' | 'run'> {
  name: string;
  project: Project;
}

const unit: Part = { name: 'unit', project: 'unit', workers: availableParallelism() };
const tracePage: Part = { name: 'trace page', project: 'trace-page', workers: 1 };
/** Those that share one local AWS run one after the other: they would only wait for each other. */
const localAws: Part = { name: 'local-aws', project: 'local-aws', workers: 1 };
const e2e: Part = { name: 'e2e', project: 'e2e', workers: 1, except: '/e2e/(tools/|openapi)' };
/** Installs what it asks with first, and asks for a minute. */
const openapi: Part = {
  name: 'openapi',
  project: 'e2e',
  workers: 1,
  pattern: '/e2e/openapi',
  run: 'openapi',
};
/** A part of what people use beside the APIs, on a local AWS of its own: they are run as programs, and break things. */
const tools = (name: string, files: string): Part => ({
  name,
  project: 'e2e',
  workers: 1,
  pattern: `/e2e/tools/(${files})`,
  run: name,
  environment: { TEST_DIRECTORY: `test-${name}` },
});
const commands = tools('commands', 'cli|scripts|trace|preflight');
const subscribers = tools('subscribers', 'delivery|example');
const alarms = tools('alarms', 'alarms');
/** The acceptance, which looks at a system with defects; all of them, one by one, are a matter of their own. */
const acceptance = tools('acceptance', 'acceptance-sample');
const acceptanceWhole = tools('acceptance-whole', 'acceptance');
/** What is typed out of the guides, with the command lines of AWS and the CDK, which take their time. */
const guides = tools('guides', 'deploying|migration|runbooks');
/** Permissions are taken away from what other tests use, so it has a local AWS to itself. */
const permissions: Part = { name: 'permissions', project: 'permissions', workers: 1 };
/** Cases of the failure suite wait most of the time, and are each about a provisioning of their own ... */
const faults: Part = { name: 'faults', project: 'faults', workers: 2, except: '/faults/alone/' };
/** ... but for those that change something for all: one after the other, on a local AWS of their own. */
const faultsAlone: Part = {
  name: 'faults, alone',
  project: 'faults',
  workers: 1,
  pattern: '/faults/alone/',
  run: 'faults-alone',
  environment: { FAULTS_DIRECTORY: 'faults-alone' },
};

/** It measures time, so that nothing else runs beside it. */
const load: Part = { name: 'load', project: 'load', workers: 1 };

/** What the parts before it have recorded, against the service models of AWS. */
const models: Part = { name: 'models', project: 'models', workers: 1 };

/** The linters and rule packs over every variant of the templates. They need no local AWS, and half a minute of a core. */
const templates: Part = { name: 'templates', project: 'templates', workers: 1 };

/** Parts that run beside each other: they mostly wait, and two cores carry as many. */
const AT_ONCE = 4;

/** Which parts a command runs, one group after the other; within a group, the longest first. */
const suites = ['all', 'unit', 'permissions', 'openapi', 'guides', 'acceptance', 'faults'] as const;
const selections: Record<(typeof suites)[number], readonly (readonly Part[])[]> = {
  all: [
    [unit],
    [e2e, faults, subscribers, localAws, templates, commands, alarms, acceptance, tracePage],
    [models],
    [load],
  ],
  unit: [[unit]],
  permissions: [[permissions]],
  openapi: [[openapi]],
  guides: [[guides]],
  acceptance: [[acceptanceWhole]],
  faults: [[faults, faultsAlone], [load]],
};

/**
 * `npm test`: everything that CI runs, with a sample of the failure suite; `npm run test:unit`: what needs no local
 * AWS; `npm run test:faults`: the whole failure suite; `npm run test:permissions`: each right taken away; `npm run
 * test:openapi`: both APIs asked at random what their documents say; `npm run test:guides`: what the guides say to type;
 * `npm run test:acceptance`: the acceptance, with every defect that it has to notice. The last line is `N passed, N
 * failed`; Biome, the type checker and the secret scanner count as one each. The exit status is 0 only
 * when nothing failed.
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('test')
    .description('Runs the tests that CI runs, or one suite; `npm run test:one` runs the tests of a path.')
    .addArgument(new Argument('[suite]', 'all unless given').choices(suites).default('all'));
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
  for (const { complaint } of results) if (complaint !== undefined) process.stderr.write(`${complaint}\n`);
  // What an earlier run has recorded is not of this one.
  if (groups.some((parts) => parts.includes(models))) await rm(recordings, { recursive: true, force: true });
  const limit = pLimit(AT_ONCE);
  for (const parts of groups)
    results.push(...(await Promise.all(parts.map((part) => limit(() => testsOf(part, environment))))));

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
  const own = { ...environment, ...options.environment };
  const counts = countsOf(await runJest(project, { ...options, environment: own }));
  return { name: `Tests: ${name}`, ...counts, seconds: (Date.now() - begun) / 1000 };
}

function show({ name, passed, failed, seconds }: Result): void {
  const mark = failed === 0 ? colors.green('✔') : colors.red('✘');
  const counts = `${passed} passed, ${failed} failed`;
  process.stdout.write(`${mark} ${name.padEnd(20)} ${counts.padEnd(24)} ${seconds.toFixed(1)} s\n`);
}

const sum = (results: Result[], what: 'passed' | 'failed'): number =>
  results.reduce((total, result) => total + result[what], 0);
