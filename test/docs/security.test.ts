import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'security.md'), 'utf8');
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

/** Each threat, with what shows that it does not work. */
const threats = page
  .slice(page.indexOf('## Threats'), page.indexOf('## What is left'))
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Threat'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |\|$/g, '').trim()));

describe('docs/security.md', () => {
  it('has threats', () => {
    expect(threats.length).toBeGreaterThan(20);
  });

  it.each(threats)('names what shows that this does not work: %s', (_threat, decision, shown = '') => {
    expect(decision).not.toBe('');
    const files = [...shown.matchAll(/`(test\/[\w/.-]+)` "([^"]+)"/g)];
    const commands = [...shown.matchAll(/`npm (?:run )?([\w:]+)`/g)].map(([, name = '']) => name);
    expect(files.length + commands.length + Number(shown.includes('workflow'))).toBeGreaterThan(0);
    for (const [, file = '', title = ''] of files) {
      expect([file, existsSync(join(root, file))]).toEqual([file, true]);
      expect(readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'")).toContain(title);
    }
    for (const name of commands) expect(Object.keys(scripts)).toContain(name);
  });
});
