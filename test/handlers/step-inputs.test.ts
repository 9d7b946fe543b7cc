import { describe, expect, it } from '@jest/globals';
import type * as z from 'zod';
import {
  cancelledCreationInput,
  provisioningInput,
  rollBackInput,
  userCreationInput,
} from '../../contracts/executions.ts';
import { callTargetInput } from '../../handlers/app1/call-target.ts';
import { encryptCredentialsInput } from '../../handlers/app1/encrypt-credentials.ts';
import { stopProvisioningInput } from '../../handlers/app1/stop-provisioning.ts';
import { addToGroupInput } from '../../handlers/app2/add-to-group.ts';
import { createUserInput } from '../../handlers/app2/create-user.ts';
import { deleteUserInput } from '../../handlers/app2/delete-user.ts';
import { setPasswordInput } from '../../handlers/app2/set-password.ts';
import { stopExecutionInput } from '../../handlers/shared/stop-execution.ts';
import { ORIGIN } from '../support/api-events.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';
import { ENCRYPTED, INTAKE_CIPHERTEXT, SUB, subject } from '../support/subject.ts';

/**
 * A function can be deployed while executions of the previous definition are running, and a definition before its functions:
 * each must ignore fields that only the other release has, and must receive the fields that it requires.
 */
interface Input {
  schema: z.ZodType;
  sample: Record<string, unknown>;
  /** Fields that earlier definitions do not pass. */
  added?: string[];
}

const { provisioning_id, creation_id, username } = subject;
const { trace_id } = ORIGIN;
const origin = Object.keys(ORIGIN);
const stood = { had_succeeded: true, failure: { step: 'Execution', error: 'Cancelled' } };
const entered_at = '2026-01-01T00:00:00.000Z';
const stop = {
  schema: stopExecutionInput,
  sample: { provisioning_id, creation_id, ...stood, entered_at },
};

/** The input schema of the function of each state. */
const states: Record<string, Input> = {
  Authenticate: { schema: callTargetInput, sample: { action: 'Authenticate', target: 'app2' } },
  RequestUserCreation: {
    schema: callTargetInput,
    sample: {
      action: 'RequestUserCreation',
      target: 'app2',
      ...subject,
      encrypted_password: ENCRYPTED,
      owner: 'owner',
      trace_id,
      task_token: 'token',
      step: { attempt: 1 },
      redrive_count: 0,
    },
    added: ['trace_id', 'redrive_count'],
  },
  CancelUserCreation: {
    schema: callTargetInput,
    sample: {
      action: 'CancelUserCreation',
      target: 'app2',
      provisioning_id,
      creation_id,
      username,
      trace_id,
    },
    added: ['trace_id'],
  },
  EncryptCredentials: {
    schema: encryptCredentialsInput,
    sample: { target: 'app2', provisioning_id, username, intake_ciphertext: INTAKE_CIPHERTEXT },
  },
  CreateUser: {
    schema: createUserInput,
    sample: { ...subject, owner: 'owner', on_behalf_of: null, redrive_count: 0 },
    added: ['redrive_count'],
  },
  SetPassword: {
    schema: setPasswordInput,
    sample: { provisioning_id, username, encrypted_password: ENCRYPTED, sub: SUB, redrive_count: 0 },
    added: ['redrive_count'],
  },
  AddToGroup: {
    schema: addToGroupInput,
    sample: { provisioning_id, sub: SUB, redrive_count: 0 },
    added: ['redrive_count'],
  },
  DeleteUser: {
    schema: deleteUserInput,
    sample: {
      provisioning_id,
      creation_id,
      username,
      sub: SUB,
      creation_in_flight: true,
      creation_refused: false,
      entered_at,
    },
    added: ['creation_refused'],
  },
  StopProvisioning: {
    schema: stopProvisioningInput,
    sample: { ...stop.sample, targets: ['app2'] },
  },
  StopUserCreation: stop,
};

/** The input schema of each state machine. */
const executions: Record<string, Input> = {
  ProvisionServiceUser: {
    schema: provisioningInput,
    sample: {
      ...subject,
      ...ORIGIN,
      owner: 'owner',
      targets: ['app2'],
      intake_ciphertext: INTAKE_CIPHERTEXT,
      request_mac: 'mac',
    },
    added: origin,
  },
  CreateServiceUser: {
    schema: userCreationInput,
    sample: {
      ...subject,
      ...ORIGIN,
      owner: 'owner',
      encrypted_password: ENCRYPTED,
      estimated_start_at: '2026-01-01T00:00:00.000Z',
      notify: true,
    },
    added: [...origin, 'estimated_start_at', 'notify'],
  },
  'CreateServiceUser, cancelled before it arrived,': {
    schema: cancelledCreationInput,
    sample: { provisioning_id, creation_id, owner: 'owner', cancelled: true },
  },
  'A roll-back': {
    schema: rollBackInput,
    sample: { ...subject, ...ORIGIN, owner: 'owner', targets: ['app2'], ...stood },
    added: [...origin, 'targets'],
  },
};

describe.each(Object.entries({ ...states, ...executions }))('%s', (_name, { schema, sample, added = [] }) => {
  it('ignores an unknown field', () => {
    expect(schema.parse({ ...sample, from_a_newer_release: true })).toEqual(sample);
  });

  it.each(Object.keys(sample))('requires %s', (field) => {
    const { success } = schema.safeParse({ ...sample, [field]: undefined });

    expect(success).toBe(added.includes(field));
  });
});

it.each(machineNames)('%s passes each of its functions the fields that it reads', (name) => {
  const given = tasks(golden(name)).flatMap(([state, { Arguments }]) => {
    const fields = fieldsOf(Arguments);
    return fields === undefined ? [] : [[state, fields.sort()] as const];
  });

  expect(given.length).toBeGreaterThan(0);
  for (const [state, fields] of given)
    expect(fields).toEqual([...new Set([...Object.keys(states[state]?.sample ?? {}), 'step'])].sort());
});

/** Fields of a function's payload; none for the execution's whole input, and for an event. */
function fieldsOf(called: unknown): string[] | undefined {
  if (typeof called !== 'object' || called === null || !('Payload' in called)) return undefined;
  return typeof called.Payload === 'object' && called.Payload !== null
    ? Object.keys(called.Payload)
    : undefined;
}
