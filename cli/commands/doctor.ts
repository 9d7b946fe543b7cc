import { examples, type Program } from '../base.ts';
import type { Run } from '../session.ts';

export const addDoctor = (program: Program, run: Run) =>
  program
    .command('doctor')
    .summary('check the deployed system, and say what to do')
    .description(
      'Checks credentials, clock, stacks, APIs, keys, permissions, machines, buses, alarms, dead-letter queues, roll-backs and the sweep of both services. Changes nothing. What is in another account, or out of your permissions, is named.',
    )
    .addHelpText(
      'after',
      examples(
        ['the local AWS', 'doctor'],
        ['App2 in its own account', 'doctor --profile app2-operator'],
        ['what is wrong, for a script', 'doctor --json | jq \'.checks[] | select(.verdict == "wrong")\''],
      ),
    )
    .action((_options, command) =>
      // It asks many services of AWS: their clients are loaded when they are needed.
      run(command, async (session) => (await import('../doctor/run.ts')).doctor(session)),
    );
