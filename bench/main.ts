import { Problem } from '../local/problem.ts';

/** What can be measured, by name. */
const subcommands: Record<string, () => Promise<{ main(args: string[]): Promise<number> }>> = {
  burst: () => import('./burst.ts'),
};

/** `npm run bench -- <name>`: measures something of the system on a local AWS, and says whether promises hold. */
export async function main([name = '', ...args]: string[]): Promise<number> {
  const subcommand = subcommands[name];
  if (subcommand === undefined)
    throw new Problem(
      `There is no bench called ${name}.`,
      `Say one of: ${Object.keys(subcommands).join(', ')}.`,
    );
  const { main: run } = await subcommand();
  return run(args);
}
