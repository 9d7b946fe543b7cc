import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../cli/support/paths.ts';

/** The commands in the shell blocks of the pages. */

/**
 * The test that runs the commands of a page, by patterns of its path and section. The first matching row counts.
 * test/docs/commands.test.ts checks that each block has a row, and that the test names the page.
 */
export const runBy: readonly (readonly [page: RegExp, section: RegExp, test: string])[] = [
  [/^README\.md$/, /^(Walk through it|Find out what went wrong)$/, 'test/e2e/readme.test.ts'],
  [/^docs\/targets\.md$/, /./, 'test/e2e/tools/targets.test.ts'],
  [/^docs\/adding-a-service\.md$/, /./, 'test/e2e/tools/payments.test.ts'],
  [/^docs\/migration\.md$/, /./, 'test/e2e/tools/migration.test.ts'],
  [/^docs\/deploying\.md$/, /^Into two accounts$/, 'test/e2e/tools/deploying-accounts.test.ts'],
  [/^docs\/deploying\.md$/, /./, 'test/e2e/tools/deploying.test.ts'],
  [/^examples\/payments\/README\.md$/, /./, 'test/e2e/tools/payments.test.ts'],
  [/^examples\/access-register\/README\.md$/, /^On AWS$/, 'test/e2e/tools/deploying.test.ts'],
  [
    /^examples\/access-register\/README\.md$/,
    /^(On the local AWS|Query the users with access|Redrive the dead-letter queue)/,
    'test/e2e/tools/example.test.ts',
  ],
  [/^docs\/(operating\.md|observability\.md|runbooks\/.*)$/, /./, 'test/e2e/tools/runbooks.test.ts'],
];

/** Commands that no test runs, with the reason. */
export const notRun: Readonly<Record<string, string>> = {
  'npm run demo':
    'It is a demonstration for people. test/e2e tests the same behaviour, and the demo fails if a step fails.',
  'npm test': 'It is what runs all of these.',
  'npx cdk deploy \\\n  -c app1_bus_arn=arn:aws:events:eu-central-1:111111111111:event-bus/app1-provisioning \\\n  -c app2_bus_arn=arn:aws:events:eu-central-1:222222222222:event-bus/app2-service-users':
    'It needs two more accounts; test/local-aws/subscriber-account.test.ts tests what it makes, in two local ones.',
};

/** A fenced block of shell commands. */
export interface Block {
  /** Path of the page, relative to the checkout. */
  page: string;
  /** The heading above it. */
  section: string;
  commands: string;
}

/** A fenced block of any language. */
interface FencedBlock {
  section: string;
  language: string;
  text: string;
}

/** Every page with commands, and every page with links. */
export const pages = (): string[] =>
  [
    'CONTRIBUTING.md',
    'README.md',
    'SECURITY.md',
    'package/README.md',
    'test/README.md',
    ...['docs', 'examples'].flatMap((folder) => markdownIn(folder)),
  ].sort();
export const markdownPages = (): string[] => [...pages(), 'CHANGELOG.md', ...markdownIn('.github')].sort();

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.includes('node_modules/'))
    .map((file) => join(folder, file));
}

const SHELL = ['sh', 'bash', 'shell', 'console'];

/** The shell blocks of a page, in their order; blocks of other languages are not commands. */
export const blocksOf = (page: string): Block[] =>
  fencedBlocksOf(page).flatMap(({ section, language, text }) =>
    SHELL.includes(language) ? [{ page, section, commands: text }] : [],
  );

/** The JavaScript modules of a page, by the heading above each. */
export const modulesOf = (page: string): Map<string, string> =>
  new Map(
    fencedBlocksOf(page).flatMap(({ section, language, text }) =>
      language === 'js' ? [[section, text] as const] : [],
    ),
  );

function fencedBlocksOf(page: string): FencedBlock[] {
  const blocks: FencedBlock[] = [];
  let section = '';
  let open: { language: string; lines: string[] } | undefined;
  for (const line of readFileSync(join(root, page), 'utf8').split('\n')) {
    if (open === undefined) {
      section = /^#+ (.*)$/.exec(line)?.[1] ?? section;
      const language = /^\s*```(\S*)/.exec(line)?.[1];
      if (language !== undefined) open = { language, lines: [] };
    } else if (/^\s*```\s*$/.test(line)) {
      blocks.push({ section, language: open.language, text: `${open.lines.join('\n')}\n` });
      open = undefined;
    } else open.lines.push(line);
  }
  return blocks;
}

/** The blocks of one section, for the test that runs them: `commandsIn('README.md', 'Walk through it')`. */
export function commandsIn(page: string, section: string): string[] {
  const found = blocksOf(page).filter((block) => block.section === section);
  if (found.length === 0) throw new Error(`${page} has no commands under "${section}".`);
  return found.map(({ commands }) => commands);
}
