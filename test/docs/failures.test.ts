import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { document } from '../faults/matrix/document.ts';
import { failuresPage } from '../faults/matrix/failures-page.ts';

it('docs/failures.md is up to date', () => {
  expect(readFileSync(failuresPage, 'utf8')).toBe(document());
});
