import {
  AdminDeleteUserCommand,
  AdminGetUserCommand,
  type AttributeType,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { IN_FLIGHT_SECONDS } from '../../../contracts/time-limits.ts';
import { deleteUser, handler } from '../../../handlers/app2/delete-user.ts';
import { attributesOf, stamps, withoutStamps } from '../../support/pool-users.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  CREATION_ID,
  OTHER_CREATION_ID,
  OTHER_PROVISIONING_ID,
  PROVISIONING_ID,
  SUB,
} from '../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const ENTERED = Date.parse('2026-01-01T00:00:00Z');
const IN_FLIGHT = IN_FLIGHT_SECONDS * 1000;

/** Runs the step `elapsed` milliseconds after the state was entered. */
function runDeleteUser(
  elapsed: number,
  known: { sub: string | null; creation_in_flight: boolean; creation_refused?: boolean },
) {
  const run = deleteUser({
    cognito: new CognitoIdentityProviderClient({}),
    environment: { USER_POOL_ID: 'pool' },
    now: () => ENTERED + elapsed,
  });
  return run({
    provisioning_id: PROVISIONING_ID,
    creation_id: CREATION_ID,
    username: 'alice',
    entered_at: new Date(ENTERED).toISOString(),
    creation_refused: false,
    ...known,
  });
}

/** A user in the pool, which is found by `keys`. */
function poolHas(UserAttributes: AttributeType[], ...keys: string[]) {
  for (const Username of keys) cognito.on(AdminGetUserCommand, { Username }).resolves({ UserAttributes });
}

const deleted = () => cognito.commandCalls(AdminDeleteUserCommand).map(({ args }) => args[0].input.Username);

beforeEach(() => {
  cognito.reset();
  cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));
  cognito.on(AdminDeleteUserCommand).resolves({});
});

describe('DeleteUser', () => {
  it('deletes the user of this provisioning by its sub', async () => {
    poolHas(attributesOf(), SUB);

    await expect(runDeleteUser(0, { sub: SUB, creation_in_flight: false })).resolves.toEqual({});
    expect(deleted()).toEqual([SUB]);
  });

  it('finds the user by its name when the response of its creation was lost, and deletes it by its sub', async () => {
    poolHas(attributesOf(), 'alice');

    await expect(runDeleteUser(0, { sub: null, creation_in_flight: false })).resolves.toEqual({});
    expect(deleted()).toEqual([SUB]);
  });

  it.each([
    ['of another provisioning', attributesOf({ ...stamps, provisioning_id: OTHER_PROVISIONING_ID })],
    ['of another generation', attributesOf({ ...stamps, creation_id: OTHER_CREATION_ID })],
    ['of no provisioning', withoutStamps],
  ])('does not delete a user with the same name %s', async (_whose, attributes) => {
    poolHas(attributes, 'alice', SUB);

    await expect(runDeleteUser(IN_FLIGHT, { sub: SUB, creation_in_flight: true })).resolves.toEqual({});
    expect(deleted()).toEqual([]);
  });

  it('fails with AbsenceNotConfirmed while a call can be in flight', async () => {
    for (const elapsed of [0, IN_FLIGHT - 1])
      await expect(runDeleteUser(elapsed, { sub: null, creation_in_flight: true })).rejects.toMatchObject({
        name: 'AbsenceNotConfirmed',
      });
    await expect(runDeleteUser(IN_FLIGHT, { sub: null, creation_in_flight: true })).resolves.toEqual({});
  });

  it('fails with AbsenceNotConfirmed after a deletion while a creation can be in flight', async () => {
    poolHas(attributesOf(), SUB);

    await expect(runDeleteUser(0, { sub: SUB, creation_in_flight: true })).rejects.toMatchObject({
      name: 'AbsenceNotConfirmed',
    });
    expect(deleted()).toEqual([SUB]);
  });

  it('deletes a user that appears late', async () => {
    await expect(runDeleteUser(0, { sub: null, creation_in_flight: true })).rejects.toThrow();

    poolHas(attributesOf(), 'alice');

    await expect(runDeleteUser(IN_FLIGHT, { sub: null, creation_in_flight: true })).resolves.toEqual({});
    expect(deleted()).toEqual([SUB]);
  });

  it('checks once after a refused creation', async () => {
    const refused = { sub: null, creation_in_flight: false, creation_refused: true };
    poolHas(attributesOf({ ...stamps, provisioning_id: OTHER_PROVISIONING_ID }), 'alice');

    await expect(runDeleteUser(0, refused)).resolves.toEqual({});
    expect(cognito.commandCalls(AdminGetUserCommand)).toHaveLength(1);
    expect(deleted()).toEqual([]);
  });

  it('is idempotent after its own response was lost', async () => {
    poolHas(attributesOf(), SUB);
    cognito.on(AdminDeleteUserCommand).rejects(sdkError('UserNotFoundException'));

    await expect(runDeleteUser(IN_FLIGHT, { sub: SUB, creation_in_flight: false })).resolves.toEqual({});
  });

  it('fails when AdminGetUser fails', async () => {
    cognito.on(AdminGetUserCommand).rejects(sdkError('TooManyRequestsException'));

    await expect(runDeleteUser(IN_FLIGHT, { sub: SUB, creation_in_flight: false })).rejects.toThrow();
  });

  it('fails when AdminDeleteUser fails', async () => {
    poolHas(attributesOf(), SUB);
    cognito.on(AdminDeleteUserCommand).rejects(sdkError('InternalErrorException', { status: 500 }));

    await expect(runDeleteUser(IN_FLIGHT, { sub: SUB, creation_in_flight: false })).rejects.toThrow();
  });

  it('parses the entry time in the format of Step Functions', async () => {
    poolHas(attributesOf(), SUB);
    const input = {
      provisioning_id: PROVISIONING_ID,
      creation_id: CREATION_ID,
      username: 'alice',
      sub: SUB,
      creation_in_flight: false,
      entered_at: '2026-01-01T00:00:00.000Z',
    };

    await expect(handler(input)).resolves.toEqual({});
    await expect(handler({ ...input, entered_at: 'yesterday' })).rejects.toMatchObject({
      name: 'InvalidStepInput',
    });
  });
});
