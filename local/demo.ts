import type { Outputs } from '../cli/outputs.ts';
import { colors } from '../cli/support/colors.ts';
import { npmCommand, runCommand } from '../cli/support/command.ts';
import { settings } from '../cli/support/paths.ts';
import { listrProgress } from '../cli/support/progress.ts';
import { stageOn } from './demo/stage.ts';
import { tell } from './demo/story.ts';
import { isUp } from './running.ts';
import { up, withLocalAws } from './stack.ts';
import { systemOf } from './system.ts';

/**
 * `npm run demo`: from nothing to provisioned users, good and bad ones, and away again. What it brings up it takes
 * down, except with `--keep`; a local AWS that was up before is used and left up.
 * The exit status is 0 only when all was as it should be.
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('demo')
    .description(
      'Shows a user being provisioned, a password that is refused, and a failure that is compensated.',
    )
    .option('--keep', 'leave the local AWS running');
  return runCommand(
    () => command.parse(args, { from: 'user' }),
    () => demo(command.opts().keep === true),
  );
}

async function demo(keepUp: boolean): Promise<number> {
  const options = settings();
  const keep = keepUp || (await isUp(options.directory));
  const stage = stageOn(process.stdout);
  const show = async (outputs: Outputs): Promise<number> => {
    await tell(systemOf(outputs), stage);
    stage.scene(stage.failures.length === 0 ? 'All was as it should be.' : 'Not all was as it should be:');
    for (const failure of stage.failures) stage.line(`  ${colors.red('✘')} ${failure}`);
    for (const hint of hints(keep)) stage.line(`  ${hint}`);
    return stage.failures.length === 0 ? 0 : 1;
  };
  return keep ? show(await up(options, listrProgress)) : withLocalAws(options, listrProgress, show);
}

const hints = (kept: boolean): string[] => [
  'What to try next:',
  kept
    ? '  It is still up: `npm run down` takes it down.'
    : '  npm run up           the same, left running; then follow the walk-through in README.md',
  '  npm test             everything that is promised, shown by tests',
  '  docs/workflows.md    the two workflows as pictures, made from their definitions',
];
