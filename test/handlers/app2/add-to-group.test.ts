import {
  AdminAddUserToGroupCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { addToGroup, handler } from '../../../handlers/app2/add-to-group.ts';
import { fakeClock } from '../../support/clock.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { PROVISIONING_ID, SUB } from '../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const dynamoDb = mockClient(DynamoDBClient);
const input = { provisioning_id: PROVISIONING_ID, sub: SUB };

beforeEach(() => {
  cognito.reset();
  dynamoDb.reset();
  dynamoDb.on(UpdateItemCommand).resolves({ Attributes: { next_at: { N: String(Date.now()) } } });
});

describe('AddToGroup', () => {
  it('adds the user by its sub to the group of service users', async () => {
    cognito.on(AdminAddUserToGroupCommand).resolves({});

    await expect(handler(input)).resolves.toEqual({});
    expect(cognito.commandCalls(AdminAddUserToGroupCommand).map(({ args }) => args[0].input)).toEqual([
      { UserPoolId: 'eu-central-1_Pool', Username: SUB, GroupName: 'service-user' },
    ]);
  });

  it.each([
    ['UserNotFoundException', 'UserNotFound'],
    ['ResourceNotFoundException', 'ResourceNotFoundException'],
    ['TooManyRequestsException', 'ServiceThrottled'],
  ])('maps %s to %s', async (name, seen) => {
    cognito.on(AdminAddUserToGroupCommand).rejects(sdkError(name));

    await expect(handler(input)).rejects.toMatchObject({ name: seen });
  });

  it('refuses a redriven execution', async () => {
    await expect(handler({ ...input, redrive_count: 1 })).rejects.toMatchObject({ name: 'RedriveRefused' });
    expect(cognito.calls()).toHaveLength(0);
  });

  /** Adds the user with a limiter that reserves `start` (epoch milliseconds), or nothing. */
  const addAt = (clock: ReturnType<typeof fakeClock>, start: number | undefined) =>
    addToGroup({
      cognito: new CognitoIdentityProviderClient({}),
      limiter: { reserve: async () => start },
      clock,
      environment: {
        USER_POOL_ID: 'pool',
        SERVICE_USER_GROUP: 'robots',
        RATE_LIMITS_TABLE: 'rate-limits',
        GROUP_CHANGES_PER_SECOND: 25,
      },
    })({ ...input, redrive_count: 0 });

  it.each([
    ['at once', 0, []],
    ['after its delay', 1_200, [1_200]],
  ])('starts %s when its reserved start is in %i ms', async (_when, delay, sleeps) => {
    cognito.on(AdminAddUserToGroupCommand).resolves({});
    const clock = fakeClock();

    await addAt(clock, clock.now() + delay);

    expect(clock.sleeps).toEqual(sleeps);
    expect(cognito.commandCalls(AdminAddUserToGroupCommand)[0]?.args[0].input).toMatchObject({
      GroupName: 'robots',
    });
  });

  it('fails with ServiceThrottled when the limiter reserves no start', async () => {
    await expect(addAt(fakeClock(), undefined)).rejects.toMatchObject({ name: 'ServiceThrottled' });

    expect(cognito.commandCalls(AdminAddUserToGroupCommand)).toEqual([]);
  });
});
