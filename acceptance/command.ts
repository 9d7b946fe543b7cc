import { Option } from '@commander-js/extra-typings';
import { apiUrl } from '../cli/connect.ts';
import { explain } from '../cli/explain.ts';
import type { Runtime } from '../cli/session.ts';
import { npmCommand, runCommand } from '../cli/support/command.ts';
import { profile, region } from '../cli/target-environment.ts';
import { by, duration } from '../cli/values.ts';
import { APP2, targetName } from '../contracts/services.ts';
import type { Check } from './check.ts';
import { stages } from './checks.ts';
import { runChecks } from './run.ts';
import { businessRouteOption, deployedSystem, systemOptions } from './system.ts';

/** Exit status when no check is selected. */
const WRONG_USAGE = 2;

/** Default of `--timeout`. CloudWatch can take minutes to count. */
const DEFAULT_TIMEOUT = '4m';

const newCommand = () =>
  npmCommand('acceptance')
    .description('Verifies a deployed system on its account, and removes what it has created.')
    .option('--profile <name>', "profile of App1's account", by(profile))
    .option('--target <name>', 'name of the target whose users are created', by(targetName), APP2)
    .option('--target-profile <name>', "profile of the target's account, if it is another one", by(profile))
    .option('--region <name>', 'region of both services', by(region))
    .option('--full', 'include checks that take minutes or notify people: rotation, alarms, two sweeps')
    .option('--only <names...>', 'only checks whose names start with one of these')
    .option('--list', 'list the checks, and run nothing')
    .option(
      '--api-key-file <file>',
      'file with the API key, if App1 requires one in addition to the signature',
    )
    .addOption(
      new Option('--timeout <time>', 'timeout of each check')
        .argParser(by(duration))
        .default(by(duration)(DEFAULT_TIMEOUT), DEFAULT_TIMEOUT),
    )
    .addOption(
      new Option('--app1-api-url <url>', "URL of App1's API, if it has a custom domain name")
        .env('APP1_API_URL')
        .argParser(by(apiUrl)),
    )
    .addOption(
      new Option('--target-api-url <url>', "URL of the target's API, if it has a custom domain name")
        .env('TARGET_API_URL')
        .argParser(by(apiUrl)),
    )
    .option(
      '--business-route <route>',
      'a business endpoint of the target, as "POST /charges": it is called as a service user; at App2 it is POST /sample',
      by(businessRouteOption),
    );

/**
 * `npm run acceptance -- --profile P [--target NAME --target-profile Q] [--full]`: runs the checks on a deployed system; the last line is
 * `N passed, N failed`. Exit status 0 when no check failed, 1 when a check failed, 2 for wrong usage.
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
      const isSelected = (check: Check) =>
        only === undefined ? full || check.full !== true : only.some((name) => check.name.startsWith(name));
      const selected = stages.map((stage) => stage.filter(isSelected));
      if (selected.flat().length === 0) {
        terminal.err(
          `No check has this name.\n→ \`npm run acceptance -- --full --list\` prints all names.\n`,
        );
        return WRONG_USAGE;
      }
      if (list) {
        for (const { name, claim } of selected.flat()) terminal.out(`${name}: ${claim}\n`);
        return 0;
      }
      const finish = (passed: number, failed: number) => {
        terminal.out(`${passed} passed, ${failed} failed\n`);
        return failed === 0 ? 0 : 1;
      };
      try {
        const system = await deployedSystem(systemOptions.parse(options), world);
        terminal.out(`App1 as ${system.app1.arn}\nTarget ${system.app2.name} as ${system.app2.arn}\n`);
        const runOptions = { terminal, now: clock.now, interrupted };
        const { passed, failed } = await runChecks(selected, system, runOptions);
        return finish(passed, failed);
      } catch (error) {
        const { message, remedy } = explain(error);
        terminal.err(`${message}\n→ ${remedy}\n`);
        return finish(0, 1);
      }
    },
  );
}
