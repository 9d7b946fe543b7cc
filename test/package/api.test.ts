import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';
import { packageApiDocument, packageApiPage } from '../../package/api-report.ts';

it('docs/package-api.md is up to date', () => {
  expect(packageApiDocument()).toBe(readFileSync(join(root, packageApiPage), 'utf8'));
}, 120_000);
