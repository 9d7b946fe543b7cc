import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generated } from './generated.ts';

/**
 * Writes what is generated from the workflows: the golden copies of their definitions, and docs/workflows.md.
 *
 *     node --import tsx workflows/generate.ts            writes
 *     node --import tsx workflows/generate.ts --check    fails when a file differs from what would be written
 */
const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');

for (const [file, content] of Object.entries(generated())) {
  const path = join(root, file);
  if (!check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  } else if (readFileSync(path, 'utf8') !== content) {
    console.error(`${file} is not up to date: run node --import tsx workflows/generate.ts`);
    process.exitCode = 1;
  }
}
