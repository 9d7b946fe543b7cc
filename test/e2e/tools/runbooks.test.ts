import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blocksOf, pages } from '../../support/documented.ts';
import { access, newRequest, outputs, provision } from '../support/deployed.ts';
import { operatorOf } from '../support/operator.ts';
import { openShell, type Shell } from '../support/shell.ts';

/**
 * Every command of docs/operating.md, docs/observability.md and the runbooks works as written on a system without
 * failures. Other tests cover their effect after failures.
 */

const written = pages()
  .filter(
    (page) =>
      ['docs/operating.md', 'docs/observability.md'].includes(page) || page.startsWith('docs/runbooks/'),
  )
  .flatMap(blocksOf);

/** Start of the period whose events the replay commands send again. */
const startedAt = Date.now();

let shell: Shell;
/** Values of the placeholders in capitals. */
let placeholders: Record<string, string>;

beforeAll(async () => {
  // Some commands remove the user of the last provisioning or of the successful one.
  const other = newRequest();
  expect((await provision(other)).status).toBe('SUCCEEDED');
  const request = newRequest();
  const { provisioning_id } = await provision(request);
  const { provisioning_id: failed } = await provision(newRequest({ username: request.username }), 120_000);
  placeholders = {
    ARN: outputs.app1.state_machine_arn,
    POOL: outputs.app2.user_pool_id,
    NAME: other.username,
  };
  shell = openShell({
    ...operatorOf(access, { environment: 'local' }),
    LOCAL_AWS_DIR: process.env['LOCAL_AWS_DIR'],
  });
  await shell.run(`good=${provisioning_id} failed=${failed}`);
});
afterAll(() => shell.end());

/** Allows exit status 1 of the command line, by which it reports a defect or a failed provisioning. */
const tolerant = (commands: string): string =>
  commands.replace(/^(npx provision [^|\n]*)$/gm, '$1 || [ "$?" -eq 1 ]');

const filledIn = (commands: string): string =>
  commands
    .replace(/(?<=\s)(ARN|POOL|NAME)\b/g, (word) => placeholders[word] ?? word)
    .replace(
      /--from \S+ --to \S+/g,
      `--from ${new Date(startedAt).toISOString()} --to ${new Date().toISOString()}`,
    );

describe('commands for operators', () => {
  it.each(written.map((block, n) => [`${block.page}, ${block.section} (${n + 1})`, block] as const))(
    'work as written: %s',
    async (_section, { commands }) => {
      const id = /\bretry\b/.test(commands) ? 'failed' : 'good';
      const output = await shell.run(`id="$${id}"\n${tolerant(filledIn(commands))}`);

      expect(output).not.toMatch(/unknown option|command not found|usage:/i);
    },
  );
});
