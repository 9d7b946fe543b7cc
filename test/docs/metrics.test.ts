import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { metricsDocument, metricsPage } from '../../docs/generate/metrics.ts';

const docs = join(import.meta.dirname, '..', '..');
const read = (page: string) => readFileSync(join(docs, page), 'utf8');

it('docs/metrics.md is up to date', () => {
  expect(read(metricsPage)).toBe(metricsDocument());
});

it('docs/observability.md has the same query for Insights and for the command line', () => {
  const page = read('docs/observability.md');
  const [alone] = /^fields .+$/m.exec(page) ?? [];

  expect(page).toContain(`--query-string "${alone}"`);
});
