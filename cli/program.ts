import tab from '@bomb.sh/tab/commander';
import { Command, CommanderError } from 'commander';
import { base, examples } from './base.ts';
import { CliError } from './cli-error.ts';
import { addCancel } from './commands/cancel.ts';
import { addCreate } from './commands/create.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvents } from './commands/events.ts';
import { addList } from './commands/list.ts';
import { addRetry } from './commands/retry.ts';
import { addRevokeMachineCredentials } from './commands/revoke-machine-credentials.ts';
import { addStatus } from './commands/status.ts';
import { addTargets } from './commands/targets.ts';
import { addTimeline } from './commands/timeline.ts';
import { exits } from './exit-status.ts';
import { type Run, type Runtime, report, runIn } from './session.ts';
import { localTargetNames } from './target-environment.ts';

/** The exit statuses as every help text contains them. */
const statuses = Object.values(exits)
  .map(({ status, meaning }) => `  ${String(status).padStart(3)}  ${meaning}`)
  .join('\n');

/** The command line with all commands. Their actions call `run`. */
export function program(run: Run) {
  const all = base()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('afterAll', `\nExit statuses:\n${statuses}`)
    .showSuggestionAfterError()
    .exitOverride();
  for (const add of [
    addCreate,
    addStatus,
    addTimeline,
    addList,
    addCancel,
    addRetry,
    addEvents,
    addTargets,
    addDoctor,
    addRevokeMachineCredentials,
  ])
    add(all, run);
  completeTargetNames(tab(asCommand(all), { completionCommandName: 'completion' }));
  all.commands
    .find((command) => command.name() === 'completion')
    ?.summary('print a completion script for a shell')
    .description(
      'Prints a script with which a shell completes the commands and options of `provision`. `npm link` puts `provision` on the path.',
    )
    .addHelpText(
      'after',
      examples(
        ['bash', 'completion bash > ~/.local/share/bash-completion/completions/provision'],
        ['zsh, in a folder of $fpath', 'completion zsh > ~/.zfunc/_provision'],
        ['fish', 'completion fish > ~/.config/fish/completions/provision.fish'],
      ),
    );
  return all;
}

/** Completes the names of the targets on the local AWS that is up. Completion makes no call to AWS. */
function completeTargetNames({ commands }: ReturnType<typeof tab>): void {
  for (const { options } of commands.values()) {
    const option = options.get('target');
    if (option !== undefined)
      option.handler = (complete) => {
        for (const name of localTargetNames()) complete(name, 'target on the local AWS');
      };
  }
}

/** The completion library has the types of commander, not those of extra-typings. */
function asCommand(command: unknown): Command {
  if (command instanceof Command) return command;
  throw new Error('It is not a command.');
}

/** An error message of commander without the values that it quotes: a value may be a password. */
export const redactValues = (text: string): string =>
  text
    .replace(/(unknown option '--?[^=']+)=[\s\S]*'/, "$1=…'")
    .replace(/(value|argument) '[\s\S]*' is invalid/, '$1 is invalid');

/** Runs a command line (without the name of the program) and returns the exit status. */
export async function main(args: readonly string[], world: Runtime): Promise<number> {
  let status: number = exits.ok.status;
  const all = program(async (command, action) => {
    status = await runIn(world, command.optsWithGlobals(), action);
  });
  const json = args.includes('--json');
  const errorOutput: string[] = [];
  const output = {
    writeOut: (text: string) => world.terminal.out(text),
    writeErr: (text: string) => (json ? void errorOutput.push(text) : world.terminal.err(text)),
    outputError: (text: string, write: (text: string) => void) => write(redactValues(text)),
  };
  for (const command of [all, ...all.commands]) command.configureOutput(output);
  try {
    await all.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(world, error, json);
    if (error.exitCode === 0) return exits.ok.status;
    if (json)
      report(
        world,
        new CliError(
          'usage',
          'USAGE',
          errorOutput
            .join('')
            .replace(/^error: /, '')
            .trim(),
          'See `npx provision --help`.',
        ),
        json,
      );
    return exits.usage.status;
  }
}
