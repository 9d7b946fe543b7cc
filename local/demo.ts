import type { Outputs } from '../cli/outputs.ts';
import { colors } from '../cli/support/colors.ts';
import { npmCommand, runCommand } from '../cli/support/command.ts';
import { settings } from '../cli/support/paths.ts';
import { listrProgress } from '../cli/support/progress.ts';
import { runScenario } from './demo/scenario.ts';
import { stageOn } from './demo/stage.ts';
import { isUp } from './running.ts';
import { up, withLocalAws } from './stack.ts';
import { systemOf } from './system.ts';

/**
 * `npm run demo`: starts a local AWS, provisions users successfully and unsuccessfully, and stops the local AWS again, except
 * with `--keep`. A local AWS that was running before is used and left running.
 * The exit status is 0 only if every check of the demo passed.
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('demo')
    .description('Demonstrates a provisioning, a rejected password, and a failure that is compensated.')
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
    await runScenario(systemOf(outputs), stage);
    stage.scene(stage.failures.length === 0 ? 'All checks passed.' : 'Some checks failed:');
    for (const failure of stage.failures) stage.line(`  ${colors.red('✘')} ${failure}`);
    for (const hint of hints(keep)) stage.line(`  ${hint}`);
    return stage.failures.length === 0 ? 0 : 1;
  };
  return keep ? show(await up(options, listrProgress)) : withLocalAws(options, listrProgress, show);
}

const hints = (kept: boolean): string[] => [
  'Next steps:',
  kept
    ? '  The local AWS is still running: `npm run down` stops it.'
    : '  npm run up           starts a local AWS and leaves it running; then follow the walk-through in README.md',
  '  npm test             runs the tests',
  '  docs/workflows.md    has diagrams of the workflows',
];
