import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import * as z from 'zod';
import { root } from '../cli/support/paths.ts';

/** The licences of the packages whose code is in a bundle. They require that their text comes with every copy. */

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** Licences under which code may be part of the package. */
const ACCEPTED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0'];

/**
 * The document with the licence of each package of the bundles.
 * @throws Error for a package with another licence than the accepted ones
 */
export function noticesOf(bundles: readonly Metafile[]): string {
  const folders = new Set(bundles.flatMap(({ inputs }) => Object.keys(inputs).flatMap(packageOf)));
  const packagesByText = new Map<string, string[]>();
  for (const folder of [...folders].sort()) {
    const { name, version, license } = manifest.parse(
      JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
    );
    if (!ACCEPTED.includes(license)) throw new Error(`${name} has the licence ${license}.`);
    const text = licenceText(join(root, folder));
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), `- ${name} ${version}: ${license}`]);
  }
  const sections = [...packagesByText].map(([text, packages]) => [packages.join('\n'), text].join('\n\n'));
  return [
    '# Third-party licences\n\nThe functions and `provision` contain code of these packages.',
    ...sections,
  ].join('\n\n---\n\n');
}

/** The folder of the package to which a file belongs. A package can have packages of its own below it. */
function packageOf(file: string): string[] {
  const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file);
  return folder === null ? [] : [folder[0]];
}

function licenceText(folder: string): string {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  return files
    .map((file) => `\`\`\`text\n${readFileSync(join(folder, file), 'utf8').trim()}\n\`\`\``)
    .join('\n\n');
}
