import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exits } from '../../cli/exit-status.ts';
import { jsonOutputs } from '../../cli/json-output.ts';
import { permissions } from '../../cli/permissions.ts';
import { program } from '../../cli/program.ts';
import { cliDocument, cliPage } from '../../docs/generate/cli.ts';

const commands = program(async () => undefined)
  .commands.map((command) => command.name())
  .filter((name) => !['complete', 'completion'].includes(name));

describe('docs/cli.md', () => {
  it('is up to date', () => {
    expect(readFileSync(join(import.meta.dirname, '..', '..', cliPage), 'utf8')).toBe(cliDocument());
  });

  it.each(commands)('shows %s with its example, its permissions and the form of its result', (name) => {
    const page = cliDocument();

    expect(page).toContain(`### ${name}`);
    expect(page).toContain(`$ npx provision ${name}`);
    expect(Object.keys(permissions)).toContain(name);
    expect(Object.keys(jsonOutputs)).toContain(name);
  });

  it('shows every exit status', () => {
    for (const { status, meaning } of Object.values(exits))
      expect(cliDocument()).toContain(`| ${status} | ${meaning} |`);
  });
});
