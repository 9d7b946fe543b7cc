import { type ExecFileException, execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { root } from '../../../cli/support/paths.ts';
import type { Part } from './parts.ts';

/** Time to install the linters the first time, and to lint, in milliseconds. */
export const PATIENCE = 600_000;

/** The region whose schemas the templates are checked with. */
const REGION = 'eu-central-1';

const folder = join(root, 'test', 'templates', 'lint');

/** Runs a program to its end, whatever its exit status; gives what it wrote. */
async function run(command: string, args: string[], input = ''): Promise<string> {
  const running = promisify(execFile)(command, args, { cwd: root, maxBuffer: 256 * 1024 * 1024 });
  running.child.stdin?.end(input);
  return running.then(
    ({ stdout }) => stdout,
    (error: ExecFileException) => {
      if (error.stdout === undefined || error.stdout === '') throw error;
      return error.stdout;
    },
  );
}

/** The Python that has the linters, which it installs first where they are missing. */
export const lintPython = (): Promise<string> =>
  run(process.execPath, ['--import', 'tsx', join(folder, 'install.ts')]);

/** Something that a linter says. */
export interface Finding {
  rule: string;
  /** What it is about: the template or policy and the place in it. */
  at: string;
  /** In the linter's words. */
  text: string;
}

const cfnLintReport = z.array(
  z.object({
    Filename: z.string(),
    Level: z.enum(['Error', 'Warning', 'Informational']),
    Location: z.object({ Path: z.array(z.union([z.string(), z.number()])).nullable() }),
    Message: z.string(),
    Rule: z.object({ Id: z.string() }),
  }),
);

/** What cfn-lint finds, errors and warnings; its schemas of resources come with it (github.com/aws-cloudformation/cfn-lint). */
export async function cfnLint(python: string, parts: readonly Part[]): Promise<Finding[]> {
  const directory = mkdtempSync(join(tmpdir(), 'cfn-lint-'));
  try {
    const files = parts.map(({ template }, index) => {
      const file = join(directory, `${index}.json`);
      writeFileSync(file, JSON.stringify(template));
      return [file, parts[index]?.name ?? ''] as const;
    });
    const names = new Map(files);
    const said = await run(join(dirname(python), 'cfn-lint'), [
      ...['--regions', REGION, '--format', 'json'],
      ...['--template', ...names.keys()],
    ]);
    return cfnLintReport.parse(JSON.parse(said)).map(({ Filename, Location, Message, Rule }) => ({
      rule: Rule.Id,
      at: `${names.get(Filename)}: ${Location.Path?.join('/') ?? ''}`,
      text: Message,
    }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const parliamentReport = z.array(z.object({ policy: z.string(), rule: z.string(), detail: z.string() }));

/** What parliament finds in policies, by their names (github.com/duo-labs/parliament). */
export async function parliament(python: string, policies: Record<string, unknown>): Promise<Finding[]> {
  const said = await run(python, [join(folder, 'policies.py')], JSON.stringify(policies));
  return parliamentReport
    .parse(JSON.parse(said))
    .map(({ policy, rule, detail }) => ({ rule, at: policy, text: detail }));
}

/** Why something that a linter warns of is right as it is. */
export interface Answer {
  rule: string;
  /** Which findings are answered, of all with this rule. */
  about: RegExp;
  why: string;
}

/** The findings that nobody has answered, and the answers to what was not found. */
export function unanswered(findings: readonly Finding[], answers: readonly Answer[]) {
  const answersOf = ({ rule, at, text }: Finding) =>
    answers.filter((answer) => answer.rule === rule && answer.about.test(`${at}: ${text}`));
  const used = new Set(findings.flatMap(answersOf));
  return {
    findings: findings.filter((finding) => answersOf(finding).length === 0),
    answers: answers.filter((answer) => !used.has(answer)),
  };
}
