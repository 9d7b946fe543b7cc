import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blocksOf, pages } from '../../support/documented.ts';
import { access, newRequest, outputs, provision } from '../support/deployed.ts';
import { operatorOf } from '../support/operator.ts';
import { openShell, type Shell } from '../support/shell.ts';

/**
 * Every command of docs/operating.md, docs/observability.md and the runbooks can be typed as it is written, on a system that is well. What
 * they do on one that is not, other tests show.
 */

const written = pages()
  .filter(
    (page) =>
      ['docs/operating.md', 'docs/observability.md'].includes(page) || page.startsWith('docs/runbooks/'),
  )
  .flatMap(blocksOf);

/** When the provisionings of this file began, whose events a replay sends again. */
const began = Date.now();

let shell: Shell;
/** What a reader puts in place of the words in capitals. */
let meant: Record<string, string>;

beforeAll(async () => {
  // Other commands have the user of the last one or of the good one removed.
  const other = newRequest();
  expect((await provision(other)).status).toBe('SUCCEEDED');
  const request = newRequest();
  const { provisioning_id } = await provision(request);
  const { provisioning_id: failed } = await provision(newRequest({ username: request.username }), 120_000);
  meant = {
    ARN: outputs.app1.state_machine_arn,
    POOL: outputs.app2.user_pool_id,
    NAME: other.username,
  };
  shell = openShell({
    ...operatorOf(access, { target: 'local' }),
    LOCAL_AWS_DIR: process.env['LOCAL_AWS_DIR'],
  });
  await shell.run(`good=${provisioning_id} failed=${failed}`);
});
afterAll(() => shell.end());

/** A command line that says by its status what it has found is no failure: 1 is "not well", or "ended badly". */
const tolerant = (commands: string): string =>
  commands.replace(/^(npx provision [^|\n]*)$/gm, '$1 || [ "$?" -eq 1 ]');

const filledIn = (commands: string): string =>
  commands
    .replace(/(?<=\s)(ARN|POOL|NAME)\b/g, (word) => meant[word] ?? word)
    .replace(
      /--from \S+ --to \S+/g,
      `--from ${new Date(began).toISOString()} --to ${new Date().toISOString()}`,
    );

describe('commands for operators', () => {
  it.each(written.map((block, n) => [`${block.page}, ${block.section} (${n + 1})`, block] as const))(
    'can be typed: %s',
    async (_where, { commands }) => {
      const id = /\bretry\b/.test(commands) ? 'failed' : 'good';
      const said = await shell.run(`id="$${id}"\n${tolerant(filledIn(commands))}`);
      expect(said).not.toMatch(/unknown option|command not found|usage:/i);
    },
  );
});
