import { execa } from 'execa';
import { programWithoutArguments } from './support/command.ts';
import { root } from './support/paths.ts';
import { environmentOf, pathOf, type Tool, toolsOf } from './support/tools.ts';

/** The tools of each npm script. All of them run, also after one has failed, so that one run reports all errors. */
const scripts: Record<string, { description: string; runs: readonly Tool[] }> = {
  lint: { description: 'Checks style, imports and secrets: Biome and secretlint.', runs: toolsOf.lint },
  format: { description: 'Formats the checkout, and fixes what Biome can fix.', runs: toolsOf.format },
  typecheck: {
    description: 'Checks the types of the checkout and of the trace page.',
    runs: toolsOf.typecheck,
  },
  synth: {
    description: 'Bundles the functions and writes the templates of both stacks to cdk.out/.',
    runs: toolsOf.synth,
  },
};

/** `npm run lint`, `format`, `typecheck` and `synth`. The exit status is 0 when every tool returns 0. */
export async function main([script = '', ...args]: string[]): Promise<number> {
  const chosen = scripts[script];
  if (chosen === undefined) throw new Error(`There is no script ${script}.`);
  const program = programWithoutArguments(script, chosen.description, async () => {
    const statuses: number[] = [];
    for (const tool of chosen.runs) statuses.push(await runTool(tool));
    return statuses.every((status) => status === 0) ? 0 : 1;
  });
  return program(args);
}

/** Runs a tool with its output on the terminal. @returns its exit status */
async function runTool(tool: Tool): Promise<number> {
  const { exitCode = 1 } = await execa(pathOf(tool), tool.args, {
    cwd: root,
    env: environmentOf(tool),
    stdio: 'inherit',
    reject: false,
  });
  return exitCode;
}
