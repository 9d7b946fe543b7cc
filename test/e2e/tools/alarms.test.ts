import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import {
  DeleteFunctionConcurrencyCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withoutPermission } from '../../../local/harness/without-permission.ts';
import { waitForFailedRollBack } from '../../faults/support/executions.ts';
import { runSweep, runSweeps } from '../../faults/support/sweeps.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import {
  deployedAlarms,
  type Inbox,
  putWhatItWaitsFor,
  quicken,
  restoreAlarms,
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
 * What alarms are for is made to happen, and whoever has subscribed to their topics hears of it, and that it is over.
 * The alarms are those that are deployed; only the times are shorter, and what hangs hangs after a second.
 */

const lambda = new LambdaClient(configuration);
const stepFunctions = new SFNClient(configuration);
const NOBODY = 'http://127.0.0.1:9';

const times = <Result>(number: number, run: () => Promise<Result>) =>
  Promise.all(Array.from({ length: number }, run));

/** One that has failed. */
let id = '';

/** What happens, and the alarms that it raises; all of this at once. */
const happenings: [string[], () => Promise<unknown>][] = [
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

/** These change what all provisionings need, so they happen one after the other; first what takes longest to be over. */
const alone: [string[], () => Promise<unknown>][] = [
  [
    ['app1-provisionings-hang', 'app1-interventions'],
    () =>
      withVariable('app1-call-app2', 'APP2_API_URL', NOBODY, async () => {
        const id = await start(newRequest());
        await eventually(
          async () => expect(await statesOf('ProvisionServiceUser', id)).toContain('Authenticate'),
          20_000,
        );
        await eventually(
          async () => {
            await runSweeps();
            expect(inbox.heard('app1-provisionings-hang')).toContain('ALARM');
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
      withoutPermission(
        outputs,
        { functionName: 'app1-encrypt-credentials' },
        'kms:ReEncryptFrom',
        async () => {
          expect(await provision(newRequest())).toMatchObject({ status: 'FAILED' });
        },
      ),
  ],
  [
    ['app1-events-not-published'],
    async () => {
      const bearer = { stateMachineArn: outputs.app1.state_machine_arn };
      await withoutPermission(outputs, bearer, 'events:PutEvents', async () => {
        const ids = await times(3, () => start(newRequest()));
        await eventually(
          async () => {
            const states = await Promise.all(ids.map((one) => system.states('ProvisionServiceUser', one)));
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
      await withVariable('app2-authorizer', 'AWS_ENDPOINT_URL', NOBODY, () =>
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

/** What takes hours, or a load that Cognito refuses: its metric is put, so that the alarm is seen to look at it. */
const put = [
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
/** Raised by itself once nobody sweeps. */
const silence = ['app1-sweep-missing', 'app2-sweep-missing'];
/** Over once nothing runs any more, which takes longest: looked at last. */
const last = 'app1-provisionings-hang';
const all = [
  ...[...[...happenings, ...alone].flatMap(([names]) => names), ...put, ...silence]
    .filter((name) => name !== last)
    .sort(),
  last,
];
/** Tested elsewhere (delivery.test.ts), with what is done about them. */
const elsewhere = [
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
      [...all, ...elsewhere].sort(),
    );
    const topics = new Set(asDeployed.flatMap(({ AlarmActions = [] }) => AlarmActions));
    expect([...topics].map((arn) => arn.split(':').at(-1)).sort()).toEqual(['app1-alarms', 'app2-alarms']);
    inbox = await subscribe([...topics]);
    await quicken(asDeployed, { 'app1-provisionings-hang': { Threshold: 1 } });

    await Promise.all(happenings.map(([, happen]) => happen()));
    for (const [, happen] of alone) await happen();
    for (const alarm of asDeployed) if (put.includes(alarm.AlarmName ?? '')) await putWhatItWaitsFor(alarm);
  });
  afterAll(async () => {
    await inbox.close();
    await restoreAlarms(asDeployed);
  });

  it.each(all)('%s: whoever is on call hears that it is raised, and that it is over', async (name) => {
    await eventually(async () => expect(inbox.heard(name)).toContain('ALARM'), 30_000, 200);
    await eventually(
      async () => {
        if (/-(sweep-|provisionings-hang)/.test(name)) await runSweeps();
        expect(inbox.heard(name).join(' ')).toContain('ALARM OK');
      },
      name === last ? 120_000 : 30_000,
      500,
    );
  });
});

describe('runbooks', () => {
  const commands = [...provisionCommands()];

  it.each(commands)('%s does what %j say', async (command) => {
    const { status, output } = await run(command, { id });
    // Doctor finds what is in alarm, names the runbook, and says so by its exit status.
    const isDoctor = command === 'npx provision doctor';
    const names =
      'app2-system-failures: begin with `npx provision list --failed --since 1h`, then do what docs/runbooks/provisionings-fail.md says.';
    expect([command, status, output]).toEqual([
      command,
      isDoctor ? 1 : 0,
      expect.stringContaining(isDoctor ? names : ''),
    ]);
  });
});
