import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { failures } from '../../contracts/failures.ts';
import { problems } from '../../contracts/problems.ts';
import { errorsDocument, errorsPage } from '../../docs/generate/errors.ts';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, errorsPage), 'utf8');

it('docs/errors.md is up to date', () => {
  expect(page).toBe(errorsDocument());
});

it('docs/errors.md has a chapter for each code that an API returns', () => {
  const chapters = [...page.matchAll(/^### (?:\d+ )?(\w+)$/gm)].map(([, code]) => code);

  const codes = new Set(Object.values(failures).map(({ code }) => code));

  expect(chapters).toEqual([...Object.keys(problems), ...codes]);
});

it('docs/errors.md contains no link to a missing page', () => {
  const links = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, link = '']) => join(root, 'docs', link));
  const files = [...page.matchAll(/\b((?:infra|contracts|docs)\/[\w/-]+\.\w+)/g)].map(([, file = '']) =>
    join(root, file),
  );

  for (const file of [...links, ...files]) expect([file, existsSync(file)]).toEqual([file, true]);
});
