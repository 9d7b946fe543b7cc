import { type ExecFileException, execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { root } from '../../../cli/support/paths.ts';
import type { Part } from './parts.ts';

/** Time limit for installing the linters and running them, in milliseconds. */
export const PATIENCE = 600_000;

/** The region whose schemas the templates are checked with. */
const REGION = 'eu-central-1';

const folder = join(root, 'test', 'templates', 'lint');

/** Runs a program and returns its output, regardless of its exit status. */
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

/** The Python interpreter with the linters; installs them if they are missing. */
export const lintPython = (): Promise<string> =>
  run(process.execPath, ['--import', 'tsx', join(folder, 'install.ts')]);

/** A finding of a linter. */
export interface Finding {
  rule: string;
  /** The template or policy, and the path in it. */
  at: string;
  /** The message of the linter. */
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

/** The errors and warnings of cfn-lint, which contains the resource schemas (github.com/aws-cloudformation/cfn-lint). */
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

/** The findings of parliament in policies by name (github.com/duo-labs/parliament). */
export async function parliament(python: string, policies: Record<string, unknown>): Promise<Finding[]> {
  const said = await run(python, [join(folder, 'policies.py')], JSON.stringify(policies));
  return parliamentReport
    .parse(JSON.parse(said))
    .map(({ policy, rule, detail }) => ({ rule, at: policy, text: detail }));
}

/** The reason why a warning of a linter is accepted. */
export interface Acknowledgement {
  rule: string;
  /** Matches the acknowledged findings of this rule. */
  about: RegExp;
  why: string;
}

/** The findings without an acknowledgement, and the acknowledgements without a finding. */
export function unacknowledged(findings: readonly Finding[], acknowledgements: readonly Acknowledgement[]) {
  const acknowledgementsOf = ({ rule, at, text }: Finding) =>
    acknowledgements.filter((one) => one.rule === rule && one.about.test(`${at}: ${text}`));
  const used = new Set(findings.flatMap(acknowledgementsOf));
  return {
    findings: findings.filter((finding) => acknowledgementsOf(finding).length === 0),
    unused: acknowledgements.filter((one) => !used.has(one)),
  };
}
