import { Option } from '@commander-js/extra-typings';
import { apiUrl } from '../cli/connect.ts';
import { explain } from '../cli/explain.ts';
import type { Runtime } from '../cli/session.ts';
import { npmCommand, runCommand } from '../cli/support/command.ts';
import { profile, region } from '../cli/target-environment.ts';
import { by, duration } from '../cli/values.ts';
import type { Check } from './check.ts';
import { stages } from './checks.ts';
import { runChecks } from './run.ts';
import { deployedSystem, systemOptions } from './system.ts';

/** No check is left to be run. */
const WRONG_USAGE = 2;

/** How long to wait for anything, unless it is said; CloudWatch may take minutes to count. */
const PATIENCE = '4m';

const newCommand = () =>
  npmCommand('acceptance')
    .description('Proves a deployed system on its account: does what it promises, and takes it back.')
    .option('--profile <name>', "profile of AWS's configuration, of App1's account", by(profile))
    .option('--app2-profile <name>', 'profile of the account of App2, when that is another one', by(profile))
    .option('--region <name>', 'region of both', by(region))
    .option('--full', 'also what takes long or tells people: rotation, alarms, two sweeps')
    .option('--only <names...>', 'only the checks whose names begin so')
    .option('--list', 'say what would be checked, and do nothing')
    .option('--api-key-file <file>', 'file with the API key, where App1 wants one beside the signature')
    .addOption(
      new Option('--timeout <time>', 'how long to wait for anything')
        .argParser(by(duration))
        .default(by(duration)(PATIENCE), PATIENCE),
    )
    .addOption(
      new Option('--app1-api-url <url>', "address of App1's API, where it has a name of its own")
        .env('APP1_API_URL')
        .argParser(by(apiUrl)),
    )
    .addOption(
      new Option('--app2-api-url <url>', "address of App2's API, where it has a name of its own")
        .env('APP2_API_URL')
        .argParser(by(apiUrl)),
    );

/**
 * `npm run acceptance -- --profile P [--app2-profile Q] [--full]`: runs the checks on a deployed system; the last line is
 * `N passed, N failed`. Exit status 0 when nothing failed, 1 when something did, 2 for a command line that is wrong.
 */
export async function acceptance(
  args: readonly string[],
  world: Pick<Runtime, 'terminal' | 'clock' | 'connect' | 'environment' | 'interrupted'>,
): Promise<number> {
  const command = newCommand();
  return runCommand(
    () => command.parse(args, { from: 'user' }),
    async () => {
      const { full = false, only, list = false, ...options } = command.opts();
      const { terminal, clock, interrupted } = world;
      const isWanted = (check: Check) =>
        only === undefined ? full || check.full !== true : only.some((name) => check.name.startsWith(name));
      const wanted = stages.map((stage) => stage.filter(isWanted));
      if (wanted.flat().length === 0) {
        terminal.err(`No check is called so.\n→ \`npm run acceptance -- --full --list\` has all names.\n`);
        return WRONG_USAGE;
      }
      if (list) {
        for (const { name, claim } of wanted.flat()) terminal.out(`${name}: ${claim}\n`);
        return 0;
      }
      const end = (passed: number, failed: number) => {
        terminal.out(`${passed} passed, ${failed} failed\n`);
        return failed === 0 ? 0 : 1;
      };
      try {
        const system = await deployedSystem(systemOptions.parse(options), world);
        terminal.out(`App1 as ${system.app1.arn}\nApp2 as ${system.app2.arn}\n`);
        const around = { terminal, now: clock.now, interrupted };
        const { passed, failed } = await runChecks(wanted, system, around);
        return end(passed, failed);
      } catch (error) {
        const { message, remedy } = explain(error);
        terminal.err(`${message}\n→ ${remedy}\n`);
        return end(0, 1);
      }
    },
  );
}
