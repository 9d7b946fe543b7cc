import { outputsFile } from '../cli/outputs.ts';
import { npmCommand, runCommand } from '../cli/support/command.ts';
import { settings } from '../cli/support/paths.ts';
import { listrProgress } from '../cli/support/progress.ts';
import { targetName } from '../contracts/services.ts';

/**
 * `npm run up [-- --target payments --target orders]`: starts the local AWS with App1, App2 and further targets, and leaves it
 * running. On a running local AWS, it adds the targets.
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('up')
    .description('Starts a local AWS, deploys App1 and its targets there, and leaves it running.')
    .option('--target <name>', 'deploy a target in addition to App2; repeatable', collect);
  const parse = () => {
    command.parse(args, { from: 'user' });
    const errors = nameErrors(command.opts().target ?? []);
    if (errors.length > 0) command.error(`error: ${errors.join('\n       ')}`);
  };
  return runCommand(parse, async () => {
    // It loads what a wrong command line does not need.
    const { up } = await import('./stack.ts');
    const { directory, port, lambdaEndpoint } = settings();
    const targets = command.opts().target ?? [];
    const outputs = await up({ directory, port, lambdaEndpoint, targets }, listrProgress);
    const addresses = [
      ['app1', outputs.app1.api_url],
      ...Object.entries(outputs.targets).map(([name, { api_url }]) => [name, api_url]),
    ];
    const width = Math.max(...addresses.map(([name = '']) => name.length));
    process.stdout.write(
      [
        `Local AWS is up at ${outputs.endpoint}.`,
        ...addresses.map(([name = '', url]) => `  ${name.padEnd(width)}  ${url}`),
        `${outputsFile(directory)} has all addresses and names. \`npm run down\` stops and deletes it.`,
        '',
      ].join('\n'),
    );
    return 0;
  });
}

const collect = (name: string, before: readonly string[] = []): string[] => [...before, name];

/** An error for each name that no target can have. */
const nameErrors = (names: readonly string[]): string[] =>
  [...new Set(names)].flatMap((name) => {
    const { error } = targetName.safeParse(name);
    return error === undefined ? [] : [`--target ${name}: It ${error.issues[0]?.message ?? 'is not valid'}.`];
  });
