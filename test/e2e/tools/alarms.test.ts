import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import {
  DeleteFunctionConcurrencyCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTarget } from '../../../local/harness/variables.ts';
import { withoutPermission } from '../../../local/harness/without-permission.ts';
import { waitForFailedRollBack } from '../../faults/support/executions.ts';
import { runSweep, runSweeps } from '../../faults/support/sweeps.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import {
  deployedAlarms,
  type Inbox,
  putBreachingMetric,
  restoreAlarms,
  shortenPeriods,
  subscribe,
} from '../support/alarms.ts';
import { provisionCommands, run } from '../support/commands.ts';
import {
  configuration,
  machineToken,
  newRequest,
  outputs,
  provision,
  start,
  statesOf,
  system,
  withVariable,
} from '../support/deployed.ts';

/**
 * Causes the conditions of the alarms. A subscriber of their topics receives the ALARM state and then the OK state. The
 * alarms are the deployed ones with shorter periods, and a provisioning counts as hanging after a second.
 */

const lambda = new LambdaClient(configuration);
const stepFunctions = new SFNClient(configuration);
const UNREACHABLE = 'http://127.0.0.1:9';

const times = <Result>(number: number, run: () => Promise<Result>) =>
  Promise.all(Array.from({ length: number }, run));

/** Id of a failed provisioning. */
let id = '';

/** Conditions with the alarms that they raise; all occur at the same time. */
const concurrentConditions: [string[], () => Promise<unknown>][] = [
  [
    ['app1-dependency-failures', 'app2-system-failures'],
    () =>
      withoutPermission(
        outputs,
        { functionName: 'app2-add-to-group' },
        'cognito-idp:AdminAddUserToGroup',
        () =>
          times(3, async () => {
            const failed = await provision(newRequest());
            expect(failed).toMatchObject({ status: 'FAILED', user: 'absent' });
            id = failed.provisioning_id;
          }),
      ),
  ],
  [
    ['app1-api-errors'],
    () =>
      withVariable('app1-cancel-provisioning', 'STATE_MACHINE_ARN', 'none', () =>
        times(3, async () => {
          const { status } = await system.deprovision('11111111-2222-5333-8444-555555555555');
          expect(status).toBe(500);
        }),
      ),
  ],
  [['app1-functions-throttled', 'app2-functions-throttled'], throttle],
];

async function throttle(): Promise<void> {
  const FunctionName = 'app2-sample';
  await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
  try {
    await times(10, () =>
      expect(lambda.send(new InvokeCommand({ FunctionName }))).rejects.toMatchObject({
        name: 'TooManyRequestsException',
      }),
    );
  } finally {
    await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
  }
}

/** Conditions that affect every provisioning, so they occur one after the other; the longest alarm comes first. */
const sequentialConditions: [string[], () => Promise<unknown>][] = [
  [
    ['app1-provisionings-hang', 'app1-interventions'],
    () =>
      withTarget(outputs, 'app1-call-target', 'app2', { api_url: UNREACHABLE }, async () => {
        const id = await start(newRequest());
        await eventually(
          async () => expect(await statesOf('ProvisionServiceUser', id)).toContain('Authenticate'),
          20_000,
        );
        await eventually(
          async () => {
            await runSweeps();
            expect(inbox.statesOf('app1-provisionings-hang')).toContain('ALARM');
          },
          20_000,
          1000,
        );
        const executionArn = `${outputs.app1.state_machine_arn.replace(':stateMachine:', ':execution:')}:${id}`;
        await stepFunctions.send(new StopExecutionCommand({ executionArn }));
      }),
  ],
  [
    ['app1-system-failures'],
    () =>
      withTarget(outputs, 'app1-encrypt-credentials', 'app2', { name: 'renamed' }, async () => {
        expect(await provision(newRequest())).toMatchObject({
          status: 'FAILED',
          user: 'absent',
          error: { code: 'TARGET_NOT_REGISTERED' },
        });
      }),
  ],
  [
    ['app1-events-not-published'],
    async () => {
      const bearer = { stateMachineArn: outputs.app1.state_machine_arn };
      await withoutPermission(outputs, bearer, 'events:PutEvents', async () => {
        const ids = await times(3, () => start(newRequest()));
        await eventually(
          async () => {
            const states = await Promise.all(
              ids.map((provisioningId) => system.states('ProvisionServiceUser', provisioningId)),
            );
            expect(states.flat().flatMap(({ errors }) => errors).length).toBeGreaterThanOrEqual(3);
          },
          30_000,
          200,
        );
      });
    },
  ],
  [
    ['app2-roll-back-failed', 'app2-roll-back-execution-failed'],
    async () => {
      const { provisioning_id: id } = await provision(newRequest());
      const bearer = { functionName: 'app2-delete-user' };
      await withoutPermission(outputs, bearer, 'cognito-idp:AdminDeleteUser', async () => {
        expect((await system.deprovision(id)).status).toBe(202);
        await waitForFailedRollBack('RollBackServiceUser', id, 60_000);
      });
    },
  ],
  [
    ['app1-sweep-incomplete'],
    () =>
      withoutPermission(
        outputs,
        { functionName: 'app1-sweep-provisionings' },
        'states:DescribeExecution',
        () => runSweep('app1-sweep-provisionings'),
      ),
  ],
  [
    ['app2-authorizer-failures', 'app2-api-errors'],
    async () => {
      const token = await machineToken();
      await withVariable('app2-authorizer', 'AWS_ENDPOINT_URL', UNREACHABLE, () =>
        times(3, async () => {
          const { status } = await fetch(`${outputs.app2.api_url}/sample`, {
            method: 'POST',
            headers: { Authorization: `Bearer ${token}` },
          });
          expect(status).toBe(500);
        }),
      );
    },
  ],
];

/** Conditions that take hours or a high load: the test puts the metric that the alarm evaluates. */
const byMetric = [
  'app1-roll-back-execution-failed',
  'app1-roll-back-failed',
  'app1-roll-back-timed-out',
  'app2-dependency-failures',
  'app2-events-not-published',
  'app2-interventions',
  'app2-machine-sign-in-throttled',
  'app2-provisionings-hang',
  'app2-roll-back-timed-out',
  'app2-sweep-incomplete',
  'app2-user-sign-in-throttled',
];
/** Alarms that are raised while no sweep runs. */
const byMissingSweeps = ['app1-sweep-missing', 'app2-sweep-missing'];
/** Returns to OK after every execution has finished, which takes longest. */
const last = 'app1-provisionings-hang';
const all = [
  ...[
    ...[...concurrentConditions, ...sequentialConditions].flatMap(([names]) => names),
    ...byMetric,
    ...byMissingSweeps,
  ]
    .filter((name) => name !== last)
    .sort(),
  last,
];
/** Alarms that delivery.test.ts covers, together with their runbooks. */
const testedElsewhere = [
  'app1-provisioning-broken',
  'app1-dead-letter-queue',
  'app2-service-users-broken',
  'app2-dead-letter-queue',
];

let inbox: Inbox;
let asDeployed: MetricAlarm[] = [];

describe('alarms', () => {
  beforeAll(async () => {
    asDeployed = (await deployedAlarms()).filter(({ AlarmName = '' }) => all.includes(AlarmName));
    expect((await deployedAlarms()).map(({ AlarmName }) => AlarmName).sort()).toEqual(
      [...all, ...testedElsewhere].sort(),
    );
    const topics = new Set(asDeployed.flatMap(({ AlarmActions = [] }) => AlarmActions));
    expect([...topics].map((arn) => arn.split(':').at(-1)).sort()).toEqual(['app1-alarms', 'app2-alarms']);
    inbox = await subscribe([...topics]);
    await shortenPeriods(asDeployed, { 'app1-provisionings-hang': { Threshold: 1 } });

    await Promise.all(concurrentConditions.map(([, cause]) => cause()));
    for (const [, cause] of sequentialConditions) await cause();
    for (const alarm of asDeployed)
      if (byMetric.includes(alarm.AlarmName ?? '')) await putBreachingMetric(alarm);
  });
  afterAll(async () => {
    await inbox.close();
    await restoreAlarms(asDeployed);
  });

  it.each(all)('%s is raised, returns to OK, and notifies its topic of both', async (name) => {
    await eventually(async () => expect(inbox.statesOf(name)).toContain('ALARM'), 30_000, 200);
    await eventually(
      async () => {
        if (/-(sweep-|provisionings-hang)/.test(name)) await runSweeps();
        expect(inbox.statesOf(name).join(' ')).toContain('ALARM OK');
      },
      name === last ? 120_000 : 30_000,
      500,
    );
  });
});

describe('runbooks', () => {
  const commands = [...provisionCommands()];

  it.each(commands)('%s works as written in %j', async (command) => {
    const { status, output } = await run(command, { id });
    // Doctor reports the alarm and its runbook, and exits with status 1, as the status of a failed provisioning does.
    const isDoctor = command === 'npx provision doctor';
    const reportsFailure = isDoctor || command.startsWith('npx provision status');
    const names =
      'app2-system-failures: run `npx provision list --failed --since 1h`, then follow docs/runbooks/provisionings-fail.md.';

    expect([command, status, output]).toEqual([
      command,
      reportsFailure ? 1 : 0,
      expect.stringContaining(isDoctor ? names : ''),
    ]);
  });
});
