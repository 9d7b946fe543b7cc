import { DescribeExecutionCommand, GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { timelineOutput } from '../../cli/json-output.ts';
import { problemBody } from '../../contracts/problems.ts';
import { execution, notFound, STARTED } from '../support/executions.ts';
import { type History, history } from '../support/history.ts';
import { APP2, targetOutputs } from '../support/outputs.ts';
import { PASSWORD, PROVISIONING_ID, subject } from '../support/subject.ts';
import { executionArn, fakeRuntime } from './support/runtime.ts';

const targets = (...users: [target: string, user: string][]) =>
  users.map(([target, user]) => ({ target, user }));
const failure = {
  code: 'TARGET_UNAVAILABLE',
  target: 'payments',
  step: 'RequestUserCreation',
  message: 'The target did not respond in time, repeatedly.',
  remedy: 'Send a new request later.',
  retryable: true,
};
const found = {
  provisioning_id: PROVISIONING_ID,
  status: 'FAILED',
  user: 'absent',
  targets: targets(['app2', 'absent'], ['payments', 'absent'], ['orders', 'absent']),
  username: 'ada',
  human_user_id: 'h-1',
  started_at: '2026-01-01T00:00:00.000Z',
  stopped_at: '2026-01-01T00:00:09.000Z',
  error: failure,
};
/** The output of a command for a provisioning in this state. */
const outputOf = async (state: object, ...command: string[]) => {
  const cli = fakeRuntime({ responses: [[200, state]] });
  await cli.run(...(command.length === 0 ? ['status', PROVISIONING_ID] : command));
  return cli;
};

describe('provision status of a provisioning with several targets', () => {
  it('names the target at which the step failed', async () => {
    const { output } = await outputOf(found);

    expect(output.out).toMatch(/failed at +RequestUserCreation at payments\n/);
    expect(output.out).toMatch(/left behind +nothing\n/);
  });

  it('names only the step if it belongs to no target', async () => {
    const { target: _, ...error } = failure;

    const { output } = await outputOf({ ...found, error: { ...error, step: 'PublishProvisioned' } });

    expect(output.out).toMatch(/failed at +PublishProvisioned\n/);
  });

  it('names the targets at which a failed roll-back may have left the user', async () => {
    const { output } = await outputOf({
      ...found,
      user: 'being_removed',
      targets: targets(['app2', 'absent'], ['payments', 'being_removed'], ['orders', 'being_removed']),
      error: { ...failure, code: 'ROLL_BACK_FAILED' },
    });

    expect(output.out).toMatch(/left behind +maybe the user at payments, orders: it is being removed/);
  });

  it('names the targets that are gone and were not checked', async () => {
    const { output } = await outputOf({
      ...found,
      user: 'unknown',
      targets: targets(['app2', 'absent'], ['old', 'gone']),
    });

    expect(output.out).toMatch(/left behind +not known at old: /);
  });

  it('prints the user at each target in lines of at most 80 characters', async () => {
    const names = ['app2', 'payments', 'orders', 'customermanagement', 'subscriptionbilling1'];

    const { output } = await outputOf({
      ...found,
      targets: targets(...names.map((name): [string, string] => [name, 'being_removed'])),
    });

    const lines = output.out.split('\n');
    const first = lines.findIndex((line) => /^ +targets /.test(line));
    const printed = lines.slice(first, first + 3);
    expect(printed.join('\n')).toMatch(
      /targets +app2: being removed; payments: being removed;\n +orders: being removed; customermanagement: being removed;\n +subscriptionbilling1: being removed$/,
    );
    for (const line of printed) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('reports while it waits at which targets the user is being removed', async () => {
    const removing = {
      ...found,
      user: 'being_removed',
      targets: targets(['app2', 'absent'], ['orders', 'being_removed']),
    };
    const cli = fakeRuntime({
      responses: [
        [200, removing],
        [200, found],
      ],
    });

    await cli.run('status', PROVISIONING_ID, '--watch');

    expect(cli.output.progress).toContain('FAILED, user being removed at orders');
  });

  it('returns the target of the failure and the user at each target with --json', async () => {
    const cli = await outputOf(found, 'status', PROVISIONING_ID, '--json');

    expect(cli.jsonOutput()).toMatchObject({ error: { target: 'payments' }, targets: found.targets });
  });
});

describe('provision create with several targets', () => {
  const create = ['create', 'ada', '--human-user', 'h-1', '--password-stdin'];
  const at = (...names: string[]) => names.flatMap((name) => ['--target', name]);

  it('requests the user at all of them', async () => {
    const cli = fakeRuntime({ stdin: PASSWORD, responses: [[200, { ...found, status: 'SUCCEEDED' }]] });

    await cli.run(...create, ...at('app2', 'payments'));

    expect(JSON.parse(cli.sent[0]?.body ?? '')).toMatchObject({ targets: ['app2', 'payments'] });
  });

  it('proposes the next request for the same targets', async () => {
    const rejected = { ...found, error: { ...failure, code: 'PASSWORD_REJECTED', retryable: false } };
    const cli = fakeRuntime({ stdin: PASSWORD, responses: [[200, rejected]] });

    await cli.run(...create, ...at('app2', 'payments', 'orders'));

    expect(cli.output.out).toContain(
      'npx provision create ada --human-user h-1 --target app2 --target payments --target orders',
    );
  });

  it.each([
    ['a target twice', ['app2', 'app2'], 'It must not name a target twice.'],
    ['six targets', ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'], 'It must not name more than 5 targets.'],
  ])('refuses %s before it prompts or sends a request', async (_what, names, message) => {
    const cli = fakeRuntime({ stdin: PASSWORD });

    const status = await cli.run(...create, ...at(...names));

    expect(status).toBe(2);
    expect(cli.sent).toEqual([]);
    expect(cli.output.err).toContain(`option '--target <name>' argument is invalid. ${message}`);
  });
});

describe('provision timeline of a provisioning with several targets', () => {
  const stepFunctions = mockClient(SFNClient);
  const cause = { step: 'RequestUserCreation', error: 'TargetUnavailable' };

  const has = (machine: string, name: string, { events }: History) =>
    stepFunctions
      .on(GetExecutionHistoryCommand, { executionArn: executionArn(machine, name) })
      .resolves({ events: events() });

  /** A request to app2 and subscriptionbilling1; the latter fails, so the former is stopped, and both are compensated. */
  beforeEach(() => {
    stepFunctions.reset();
    stepFunctions.on(GetExecutionHistoryCommand).rejects(notFound());
    stepFunctions
      .on(DescribeExecutionCommand)
      .resolves(execution({ ...subject, targets: ['app2', 'subscriptionbilling1'] }));
    has(
      'ProvisionServiceUser',
      PROVISIONING_ID,
      history(STARTED)
        .begin({})
        .task('PublishRequested', 50)
        .map('ProvisionTargets', 2)
        .iteration(0)
        .task('Authenticate', 100)
        .enter('RequestUserCreation')
        .schedule()
        .iteration(1)
        .task('Authenticate', 100)
        .enter('RequestUserCreation')
        .failed(900, 'TargetUnavailable')
        .failed(900, 'TargetUnavailable')
        .failed(900, 'ServiceThrottled')
        .failMap()
        .map('CompensateTargets', 2)
        .iteration(0)
        .task('CancelUserCreation', 200)
        .iteration(1)
        .task('CancelUserCreation', 300)
        .exitMap()
        .fail('ProvisioningFailed', cause),
    );
    has(
      'CreateServiceUser',
      PROVISIONING_ID,
      history(new Date(STARTED.getTime() + 200))
        .begin({})
        .task('DecryptCredentials', 100),
    );
  });

  const read = async (...options: string[]) => {
    const cli = fakeRuntime({
      responses: [[404, problemBody('NOT_FOUND')]],
      connection: {
        targets: async () => ['app2', 'subscriptionbilling1'],
        target: async (name) => (name === 'app2' ? APP2 : targetOutputs(name)),
      },
    });
    await cli.run('timeline', PROVISIONING_ID, ...options);
    return cli;
  };

  it('names the target of a step that App1 does for each target, in lines of at most 80 characters', async () => {
    const { output } = await read();

    expect(output.out).toMatch(/RequestUserCreation at app2 /);
    expect(output.out).toMatch(/CancelUserCreation at subscriptionbilling1 +0\.3 s\n/);
    expect(output.out).toMatch(/PublishRequested +0\.1 s\n/);
    for (const line of output.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('counts failed attempts by their errors', async () => {
    const { output } = await read();

    expect(output.out).toMatch(
      /RequestUserCreation at subscriptionbilling1 .*\n +3 failed: TargetUnavailable 2 ×, ServiceThrottled\n/,
    );
  });

  it('prints the steps of one execution after those of the other', async () => {
    const { output } = await read();

    expect(output.out.match(/^\w+ (ProvisionServiceUser|CreateServiceUser)$/gm)).toEqual([
      'app1 ProvisionServiceUser',
      'app2 CreateServiceUser',
    ]);
  });

  it('returns the target of each such step with --json, in the order of their start', async () => {
    const cli = await read('--json');

    const { timeline } = timelineOutput.parse(cli.jsonOutput());
    const starts = timeline.map(({ started_at }) => started_at);
    expect(starts).toEqual([...starts].sort());
    expect(timeline.map(({ step, target }) => `${step} ${target ?? '-'}`)).toEqual(
      expect.arrayContaining([
        'PublishRequested -',
        'ProvisionTargets -',
        'Authenticate app2',
        'Authenticate subscriptionbilling1',
        'CancelUserCreation app2',
        'DecryptCredentials -',
      ]),
    );
  });
});
