import { join } from 'node:path';
import { execa } from 'execa';
import { root } from './paths.ts';

/** A program of node_modules, with its arguments. */
export interface Tool {
  name: string;
  command: string;
  args: readonly string[];
}

/** The tools that check or build the whole checkout, by their npm script. `npm test` runs lint and typecheck. */
export const toolsOf = {
  lint: [
    { name: 'Biome', command: 'biome', args: ['check', '--error-on-warnings'] },
    { name: 'secretlint', command: 'secretlint', args: ['**/*'] },
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

/** Runs a tool with its output on the terminal. @returns its exit status */
export async function runTool(tool: Tool): Promise<number> {
  const { exitCode = 1 } = await execa(pathOf(tool), tool.args, {
    cwd: root,
    stdio: 'inherit',
    reject: false,
  });
  return exitCode;
}
