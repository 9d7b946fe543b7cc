import {
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DescribeEventBusCommand, DescribeRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler as sweepProvisionings } from '../../../handlers/app1/sweep-provisionings.ts';
import { handler as sweepUserCreations } from '../../../handlers/app2/sweep-user-creations.ts';
import { execution } from '../../support/executions.ts';
import { measuredIn, watchLogLines } from '../../support/log-lines.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  ENCRYPTED,
  INTAKE_CIPHERTEXT,
  PROVISIONING_ID,
  ROLL_BACK,
  subject,
  TRACE_ID,
} from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const dynamoDb = mockClient(DynamoDBClient);
const eventBridge = mockClient(EventBridgeClient);
const lines = watchLogLines();
const account = 'arn:aws:states:eu-central-1:111122223333';

beforeEach(() => {
  stepFunctions.reset();
  dynamoDb.reset();
  eventBridge.reset();
  eventBridge.on(DescribeEventBusCommand, { Name: 'unit-test-bus' }).resolves({ Name: 'unit-test-bus' });
  eventBridge
    .on(DescribeRuleCommand, { Name: 'unit-test-bus-every-event', EventBusName: 'unit-test-bus' })
    .resolves({ State: 'ENABLED' });
  dynamoDb.on(GetItemCommand, { TableName: 'unit-test-sweep' }).resolves({});
  dynamoDb.on(PutItemCommand, { TableName: 'unit-test-sweep' }).resolves({});
  dynamoDb.on(BatchGetItemCommand).resolves({});
  stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
  stepFunctions.on(StartExecutionCommand).resolves({});
});

describe.each([
  ['App1', sweepProvisionings, { intake_ciphertext: INTAKE_CIPHERTEXT, request_mac: 'mac' }],
  ['App2', sweepUserCreations, { encrypted_password: ENCRYPTED }],
])('the sweep of %s', (_service, handler, ciphertexts) => {
  it('logs its report with metrics', async () => {
    const input = { ...subject, trace_id: TRACE_ID, owner: 'owner', targets: ['app2'], ...ciphertexts };
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
    const runningSince = new Date(Date.now() - 60 * 60 * 1000);
    stepFunctions.on(ListExecutionsCommand, { stateMachineArn, statusFilter: 'RUNNING' }).resolves({
      executions: [
        { executionArn, stateMachineArn, name: 'running', status: 'RUNNING', startDate: runningSince },
      ],
    });

    await expect(handler()).resolves.toMatchObject({ failed: 1, started: 1, remaining: 0 });

    const about = { provisioning_id: PROVISIONING_ID, execution: PROVISIONING_ID, trace_id: TRACE_ID };

    expect(lines()).toEqual([
      expect.objectContaining({ ...about, message: 'Roll-back started' }),
      expect.objectContaining({
        message: 'Sweep completed',
        started: 1,
        service: 'unit-test',
        SweepCompleted: 1,
        SweepRollBacksStarted: 1,
        SweepRemaining: 0,
        OldestRunningAge: expect.closeTo(3600, -1),
      }),
      expect.objectContaining({ message: 'Audit events are delivered', AuditBusBroken: 0 }),
    ]);
    expect(measuredIn(lines()[1])).toEqual([
      'SweepCompleted',
      'SweepRollBacksStarted',
      'SweepRemaining',
      'OldestRunningAge',
    ]);
    expect(measuredIn(lines()[2])).toEqual(['AuditBusBroken']);
    expect(lines()[1]).not.toHaveProperty('provisioning_id');
  });

  describe('for a failed roll-back', () => {
    /** Another attempt each time, because the sweep does not process one twice. */
    let attempt = 1;
    let name = '';
    beforeEach(() => {
      attempt += 1;
      name = `${ROLL_BACK}.${attempt}`;
      const stateMachineArn = `${account}:stateMachine:RollBackMachine`;
      const [startDate, stopDate] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:00:09Z')];
      stepFunctions.on(ListExecutionsCommand, { stateMachineArn, statusFilter: 'FAILED' }).resolves({
        executions: [{ executionArn: 'arn', stateMachineArn, name, status: 'FAILED', startDate, stopDate }],
      });
    });

    it('logs provisioning and trace of the next attempt', async () => {
      const failure = { step: 'Execution', error: 'Cancelled' };
      const input = { ...subject, trace_id: TRACE_ID, owner: 'owner', had_succeeded: false, failure };
      stepFunctions.on(DescribeExecutionCommand).resolves(execution(input, { status: 'FAILED' }));

      await expect(handler()).resolves.toMatchObject({ started: 1 });

      expect(lines()[0]).toMatchObject({
        message: 'Roll-back retried',
        provisioning_id: PROVISIONING_ID,
        execution: name,
        trace_id: TRACE_ID,
      });
    });

    it('logs the provisioning that it could not process', async () => {
      stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('AccessDeniedException'));

      await expect(handler()).resolves.toMatchObject({ remaining: 1 });

      expect(lines()[0]).toMatchObject({
        level: 'ERROR',
        message: 'Execution not processed',
        provisioning_id: PROVISIONING_ID,
        execution: name,
      });
    });
  });

  it('logs no heartbeat when it fails', async () => {
    stepFunctions.on(ListExecutionsCommand).rejects(sdkError('AccessDeniedException'));

    await expect(handler()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(lines()).toEqual([]);
  });

  it.each([
    [
      'bus missing',
      () => eventBridge.on(DescribeEventBusCommand).rejects(sdkError('ResourceNotFoundException')),
    ],
    [
      'log rule missing',
      () => eventBridge.on(DescribeRuleCommand).rejects(sdkError('ResourceNotFoundException')),
    ],
    ['log rule disabled', () => eventBridge.on(DescribeRuleCommand).resolves({ State: 'DISABLED' })],
  ] as const)('logs that events are lost: %s', async (finding, breakIt) => {
    breakIt();

    await expect(handler()).resolves.toMatchObject({ bus: finding });

    expect(lines()[1]).toMatchObject({ level: 'ERROR', finding, AuditBusBroken: 1 });
    expect(measuredIn(lines()[1])).toEqual(['AuditBusBroken']);
  });

  it('fails after its report when the bus cannot be checked', async () => {
    eventBridge.on(DescribeEventBusCommand).rejects(sdkError('AccessDeniedException'));

    await expect(handler()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(lines()).toEqual([expect.objectContaining({ SweepCompleted: 1 })]);
  });
});
