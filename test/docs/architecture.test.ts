import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { architectureDocument, architecturePage } from '../../docs/generate/architecture.ts';
import { runbooksDocument, runbooksPage } from '../../docs/generate/runbooks.ts';
import { settingsDocument, settingsPage } from '../../docs/generate/settings.ts';
import { environments as app1 } from '../../handlers/app1/lib/environments.ts';
import { environments as app2 } from '../../handlers/app2/lib/environments.ts';
import { context } from '../../infra/settings.ts';

const read = (page: string) => readFileSync(join(import.meta.dirname, '..', '..', page), 'utf8');

describe('docs/architecture.md', () => {
  const page = architectureDocument();

  it('is up to date', () => {
    expect(read(architecturePage)).toBe(page);
  });

  it.each([...Object.keys(app1), ...Object.keys(app2)].filter((name) => name !== 'route-provisioning'))(
    'has a row for %s with its callers',
    (name) => {
      expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\| [^|]{3,} \\| [^|]{3,} \\| \\d+ \\|$`, 'm'));
    },
  );

  it('shows one request in both services', () => {
    for (const state of [
      'a_EncryptCredentials --> a_RequestUserCreation',
      'b_PublishUserCreated --> b_UserCreated',
    ])
      expect(page).toContain(state);
  });
});

it('docs/settings.md shows every setting with its meaning', () => {
  expect(read(settingsPage)).toBe(settingsDocument());
  for (const name of Object.keys(context.in.shape))
    expect(settingsDocument()).toMatch(new RegExp(`^\\| \`${name}\` \\|.*\\| \\S.{20,} \\|$`, 'm'));
});

it('docs/runbooks/README.md lists every runbook with its alarms', () => {
  expect(read(runbooksPage)).toBe(runbooksDocument());
  expect(runbooksDocument()).toMatch(/dead-letter-queue\.md\) \| .*`app1-dead-letter-queue`/);
});
