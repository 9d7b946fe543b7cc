import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';

const read = (page: string) => readFileSync(join(root, page), 'utf8');

/**
 * The generator writes the fingerprint into docs/package-api.md. CHANGELOG.md repeats it by hand, so that a change of the
 * API is not released without an entry.
 */
it('the section Unreleased of CHANGELOG.md has an entry for the present public API', () => {
  const [, fingerprint] = /^Fingerprint: `(\w+)`$/m.exec(read('docs/package-api.md')) ?? [];
  const [, unreleased] =
    /^## \[Unreleased\]$([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(read('CHANGELOG.md')) ?? [];

  expect(fingerprint).toMatch(/^[0-9a-f]{16}$/);
  // When it fails: describe the change of docs/package-api.md in CHANGELOG.md, and put the new fingerprint there.
  expect(unreleased).toContain(`(API ${fingerprint})`);
});
