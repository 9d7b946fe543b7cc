import { examples, type Program } from '../base.ts';
import type { Run } from '../session.ts';

export const addDoctor = (program: Program, run: Run) =>
  program
    .command('doctor')
    .summary('check the deployed system and print remedies')
    .description(
      'Checks credentials, clock, stacks, APIs, keys, permissions, state machines, buses, alarms, dead-letter queues, roll-backs and the sweep of all services. Changes nothing. Reports as not checked what is in another account or what your permissions do not cover.',
    )
    .addHelpText(
      'after',
      examples(
        ['the local AWS', 'doctor'],
        ['App2 in its own account', 'doctor --profile app2-operator'],
        ['failed checks, for a script', 'doctor --json | jq \'.checks[] | select(.verdict == "failed")\''],
      ),
    )
    .action((_options, command) =>
      // It uses the clients of many services, which are loaded for this command only.
      run(command, async (session) => (await import('../doctor/run.ts')).doctor(session)),
    );
