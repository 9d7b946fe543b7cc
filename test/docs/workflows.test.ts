import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { generatedFromWorkflows } from '../../docs/generate/workflows/page.ts';

const files = Object.entries(generatedFromWorkflows());

it('the generator writes a golden copy of each state machine and one page of diagrams', () => {
  expect(files.map(([file]) => file)).toEqual([
    'test/workflows/golden/CreateServiceUser.asl.json',
    'test/workflows/golden/ProvisionServiceUser.asl.json',
    'test/workflows/golden/RollBackProvisioning.asl.json',
    'test/workflows/golden/RollBackServiceUser.asl.json',
    'docs/workflows.md',
  ]);
});

// When a change is wanted: npm run generate
it.each(files)('%s is up to date', (file, content) => {
  expect(readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8')).toBe(content);
});
