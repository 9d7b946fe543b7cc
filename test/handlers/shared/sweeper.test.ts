import { DescribeEventBusCommand, DescribeRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler as sweepProvisionings } from '../../../handlers/app1/sweep-provisionings.ts';
import { handler as sweepUserCreations } from '../../../handlers/app2/sweep-user-creations.ts';
import { execution } from '../../support/executions.ts';
import { watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { ENCRYPTED, PROVISIONING_ID, SEALED, subject } from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const ssm = mockClient(SSMClient);
const eventBridge = mockClient(EventBridgeClient);
const log = watchLog();
const account = 'arn:aws:states:eu-central-1:111122223333';

/** What is written to stdout, where CloudWatch finds metrics in the embedded format. */
let written: string[] = [];

beforeEach(() => {
  written = [];
  jest.spyOn(process.stdout, 'write').mockImplementation((line) => {
    written.push(String(line));
    return true;
  });
  stepFunctions.reset();
  ssm.reset();
  eventBridge.reset();
  eventBridge.on(DescribeEventBusCommand, { Name: 'unit-test-bus' }).resolves({ Name: 'unit-test-bus' });
  eventBridge
    .on(DescribeRuleCommand, { Name: 'unit-test-bus-every-event', EventBusName: 'unit-test-bus' })
    .resolves({ State: 'ENABLED' });
  ssm.on(GetParameterCommand, { Name: '/unit-test/sweep-mark' }).resolves({ Parameter: { Value: 'never' } });
  ssm.on(PutParameterCommand).resolves({});
  stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
  stepFunctions.on(StartExecutionCommand).resolves({});
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe.each([
  ['App1', sweepProvisionings, { sealed_password: SEALED, request_mac: 'mac' }],
  ['App2', sweepUserCreations, { encrypted_password: ENCRYPTED }],
])('the sweep of %s', (_service, handler, sealed) => {
  it('says what it found, as metrics and in the log', async () => {
    const input = { ...subject, owner: 'owner', ...sealed };
    const executionArn = `${account}:execution:Machine:${PROVISIONING_ID}`;
    const stateMachineArn = `${account}:stateMachine:Machine`;
    const [startDate, stopDate] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:00:09Z')];
    stepFunctions.on(ListExecutionsCommand, { stateMachineArn, statusFilter: 'ABORTED' }).resolves({
      executions: [
        { executionArn, stateMachineArn, name: PROVISIONING_ID, status: 'ABORTED', startDate, stopDate },
      ],
    });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn })
      .resolves(execution(input, { status: 'ABORTED' }));

    await expect(handler()).resolves.toMatchObject({ ended_badly: 1, started: 1, left: 0 });

    expect(written).toHaveLength(2);
    expect(JSON.parse(written[0] ?? '')).toMatchObject({
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'CrossServiceProvisioning',
            Dimensions: [['service']],
            Metrics: [
              { Name: 'SweepCompleted', Unit: 'Count' },
              { Name: 'SweepRollBacksStarted', Unit: 'Count' },
              { Name: 'SweepLeft', Unit: 'Count' },
            ],
          },
        ],
      },
      service: 'unit-test',
      SweepCompleted: 1,
      SweepRollBacksStarted: 1,
      SweepLeft: 0,
    });
    expect(log()).toContain('"started":1');
  });

  it('is not heard of when it did not complete: the missing heartbeat is the alarm', async () => {
    stepFunctions.on(ListExecutionsCommand).rejects(sdkError('AccessDeniedException'));

    await expect(handler()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(written).toEqual([]);
  });

  it('says that events arrive, as a metric', async () => {
    await expect(handler()).resolves.toMatchObject({ bus: 'whole' });

    expect(JSON.parse(written[1] ?? '')).toMatchObject({
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'CrossServiceProvisioning',
            Dimensions: [['service']],
            Metrics: [{ Name: 'AuditBusBroken', Unit: 'Count' }],
          },
        ],
      },
      service: 'unit-test',
      AuditBusBroken: 0,
    });
    expect(log()).not.toContain('Audit events are lost');
  });

  it.each([
    ['no bus', () => eventBridge.on(DescribeEventBusCommand).rejects(sdkError('ResourceNotFoundException'))],
    [
      'no rule to the log',
      () => eventBridge.on(DescribeRuleCommand).rejects(sdkError('ResourceNotFoundException')),
    ],
    ['the rule to the log is off', () => eventBridge.on(DescribeRuleCommand).resolves({ State: 'DISABLED' })],
  ] as const)('says that events are lost: %s', async (finding, breakIt) => {
    breakIt();

    await expect(handler()).resolves.toMatchObject({ bus: finding });

    expect(JSON.parse(written[1] ?? '')).toMatchObject({ AuditBusBroken: 1 });
    expect(log()).toContain(finding);
  });

  it('fails when it cannot look at the bus, after it has told of the sweep', async () => {
    eventBridge.on(DescribeEventBusCommand).rejects(sdkError('AccessDeniedException'));

    await expect(handler()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(written).toHaveLength(1);
    expect(JSON.parse(written[0] ?? '')).toMatchObject({ SweepCompleted: 1 });
  });
});
