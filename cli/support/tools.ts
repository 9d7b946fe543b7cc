import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './paths.ts';

/** A program of node_modules, with its arguments. */
export interface Tool {
  name: string;
  command: string;
  args: readonly string[];
  /** A module of this checkout that Node.js loads before the program. */
  preload?: string;
}

/** The tools that check or build the whole checkout, by their npm script. `npm test` runs lint and typecheck. */
export const toolsOf = {
  lint: [
    { name: 'Biome', command: 'biome', args: ['check', '--error-on-warnings'] },
    {
      name: 'secretlint',
      command: 'secretlint',
      args: ['**/*'],
      preload: 'cli/support/no-performance-observer.mjs',
    },
  ],
  format: [{ name: 'Biome', command: 'biome', args: ['check', '--write'] }],
  typecheck: [
    { name: 'TypeScript', command: 'tsc', args: [] },
    { name: 'TypeScript, page', command: 'tsc', args: ['-p', 'trace/page'] },
  ],
  synth: [{ name: 'CDK', command: 'cdk', args: ['synth', '--quiet'] }],
} as const satisfies Record<string, readonly Tool[]>;

/** The path of the program in node_modules. */
export const pathOf = ({ command }: Tool): string => join(root, 'node_modules', '.bin', command);

/** The variables of the process of a tool, in addition to those of this process. */
export function environmentOf({ preload }: Tool): Record<string, string> {
  if (preload === undefined) return {};
  const load = `--import ${pathToFileURL(join(root, preload)).href}`;
  return { NODE_OPTIONS: [process.env['NODE_OPTIONS'], load].filter(Boolean).join(' ') };
}
