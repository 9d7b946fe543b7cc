import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';

const folder = join(root, '.github', 'workflows');

const uses = readdirSync(folder).flatMap((file) =>
  [...readFileSync(join(folder, file), 'utf8').matchAll(/^\s*-?\s*uses:\s*(.+)$/gm)].map(
    ([, action = '']) => [file, action] as const,
  ),
);

describe('an action of a workflow', () => {
  it('is found by the test', () => {
    expect(uses.length).toBeGreaterThan(0);
  });

  // docs.github.com/en/actions/reference/security/secure-use#using-third-party-actions
  it.each(uses)('is pinned by commit and names its release: %s, %s', (_file, action) => {
    expect(action).toMatch(/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });
});
