import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root, settings } from '../../cli/support/paths.ts';

/** Findings of the secret scanner in the files of a folder; empty if there are none. */
function scan(folder: string): string {
  const scanner = join(root, 'node_modules', 'secretlint', 'bin', 'secretlint.js');
  const rules = ['--secretlintrc', join(root, '.secretlintrc.json')];
  const { stdout, stderr } = spawnSync(process.execPath, [scanner, ...rules, '**/*'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return `${stdout}${stderr}`;
}

describe('the cloud assembly that was deployed', () => {
  it('contains no secret that the scanner detects', () => {
    expect(scan(join(settings().directory, 'cdk.out'))).toBe('');
  });

  it('would fail the scan with a private key', () => {
    const folder = mkdtempSync(join(tmpdir(), 'assembly-'));

    try {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      writeFileSync(join(folder, 'index.js'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
      expect(scan(folder)).toContain('index.js');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
