import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import * as responses from '../../cli/json-output.ts';
import { createServiceUserRequest } from '../../contracts/app1-api.ts';
import { createUserRequest } from '../../contracts/app2-api.ts';
import { eventDetail, eventRows } from '../../contracts/events/catalogue.ts';
import * as executions from '../../contracts/executions.ts';
import { failureCode, knownCode } from '../../contracts/failures.ts';
import { onBehalfOf } from '../../contracts/headers.ts';
import { notificationDetail } from '../../contracts/notification.ts';
import {
  provisioningStatus,
  receivedStatus,
  receivedTimelinePart,
  timelinePart,
} from '../../contracts/status.ts';
import { callTargetInput } from '../../handlers/app1/call-target.ts';
import { encryptCredentialsInput } from '../../handlers/app1/encrypt-credentials.ts';
import { addToGroupInput } from '../../handlers/app2/add-to-group.ts';
import { createUserInput } from '../../handlers/app2/create-user.ts';
import { deleteUserInput } from '../../handlers/app2/delete-user.ts';
import { setPasswordInput } from '../../handlers/app2/set-password.ts';
import { stopExecutionInput } from '../../handlers/shared/stop-execution.ts';
import { olderValues } from '../support/older-values.ts';
import { subject } from '../support/subject.ts';

/** Every schema of stored data by name: inputs of executions and steps, statuses, events, responses to the CLI. */
const storedSchemas = new Map<string, z.ZodType>([
  ...schemasOf('executions', executions),
  ...schemasOf('cli', responses),
  ...Object.entries({
    notificationDetail,
    receivedStatus,
    provisioningStatus,
    callTargetInput,
    encryptCredentialsInput,
    addToGroupInput,
    createUserInput,
    deleteUserInput,
    setPasswordInput,
    stopExecutionInput,
  }),
  ...eventRows.map(([name]) => [`event ${name}`, eventDetail(name)] as const),
]);

function schemasOf(page: string, exported: Record<string, unknown>): [string, z.ZodType][] {
  return Object.entries(exported).flatMap(([name, value]): [string, z.ZodType][] =>
    value instanceof z.ZodType ? [[`${page}.${name}`, value]] : [],
  );
}

/** Fields that callers choose, with values that another release may have accepted and this one refuses. */
const chosen: Readonly<Record<string, readonly string[]>> = {
  ...olderValues,
  on_behalf_of: ['an owner of another kind', 'x'.repeat(300)],
  encrypted_password: ['encoded in another alphabet -_', 'x'.repeat(20_000)],
  intake_ciphertext: ['encoded in another alphabet -_', 'x'.repeat(20_000)],
};

/** Every occurrence of these fields in a schema, with the schema of the field. */
function chosenFields(schema: unknown): [field: string, schema: z.ZodType][] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([field, fieldSchema]): [string, z.ZodType][] => [
      ...(Object.hasOwn(chosen, field) && fieldSchema instanceof z.ZodType
        ? [[field, fieldSchema] as [string, z.ZodType]]
        : []),
      ...chosenFields(fieldSchema),
    ]);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(chosenFields);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return chosenFields(schema.unwrap());
  return schema instanceof z.ZodArray ? chosenFields(schema.element) : [];
}

const occurrences = [...storedSchemas].flatMap(([name, schema]) =>
  chosenFields(schema).map(([field, fieldSchema]) => [`${field} of ${name}`, field, fieldSchema] as const),
);

describe('a schema of stored data', () => {
  it('contains each field that callers choose', () => {
    const fields = new Set(occurrences.map(([, field]) => field));

    expect([...fields].sort()).toEqual(Object.keys(chosen).sort());
    expect(occurrences.length).toBeGreaterThan(30);
  });

  it.each(occurrences)('accepts present and older values of %s', (_occurrence, field, schema) => {
    const values = [...(chosen[field] ?? []), 'c2VhbGVk', 'h-42'];

    expect(values.filter((value) => schema.safeParse(value).data !== value)).toEqual([]);
  });

  it.each([
    ['App1', createServiceUserRequest.shape],
    ['App2', { ...createUserRequest.shape, on_behalf_of: onBehalfOf }],
  ])('accepts values that requests to %s may not have', (_service, shape) => {
    const accepted = Object.entries<z.ZodType>(shape).flatMap(([field, schema]) =>
      (chosen[field] ?? []).filter((value) => schema.safeParse(value).success).map((value) => [field, value]),
    );

    expect(accepted).toEqual([]);
  });
});

describe('a status', () => {
  const started_at = '2026-01-01T00:00:00.000Z';
  const status = {
    ...subject,
    status: 'FAILED',
    user: 'absent',
    started_at,
    error: { code: 'CODE_OF_A_NEWER_RELEASE', step: 'NewStep', message: 'm', remedy: 'r', retryable: true },
    field_of_a_newer_release: 'text',
  };
  const step = {
    service: 'app2',
    workflow: 'CreateServiceUser',
    execution: subject.provisioning_id,
    step: 'NewStep',
    started_at,
    attempts: [{ started_at, error: { name: 'NewError', code: 'NEW_CODE_2' } }],
  };

  it('of a newer release is read without its unknown fields', () => {
    const { creation_id: _creationId, field_of_a_newer_release: _unknown, ...known } = status;

    expect(receivedStatus.parse(status)).toEqual(known);
  });

  it('of a newer release is read with its unknown values', () => {
    const received = {
      ...status,
      user: 'being_moved',
      waiting_for: { what: 'something_new', target: 'payments', step: 'S', since: started_at, code: 'NEW' },
    };

    expect(receivedStatus.parse(received)).toMatchObject({
      user: received.user,
      waiting_for: received.waiting_for,
    });
  });

  it('of a newer release is read with its timeline and its unknown codes', () => {
    const timeline = [{ ...step, field_of_a_newer_release: 'text' }];

    expect(receivedStatus.parse({ ...status, timeline }).timeline).toEqual([step]);
    expect(receivedTimelinePart.parse({ timeline }).timeline).toEqual([step]);
    expect(knownCode.options.filter((code) => !failureCode.safeParse(code).success)).toEqual([]);
  });

  it('of this release has a timeline without unknown codes and fields', () => {
    const [attempt] = step.attempts;
    const known = {
      ...step,
      attempts: [{ ...attempt, error: { name: 'NewError', code: 'INTERNAL_ERROR' } }],
    };

    expect(timelinePart.safeParse({ timeline: [known] }).success).toBe(true);
    expect(timelinePart.safeParse({ timeline: [step] }).success).toBe(false);
    expect(timelinePart.safeParse({ timeline: [{ ...known, further: 'text' }] }).success).toBe(false);
  });

  it('of this release has no further field, so that it contains no secret', () => {
    expect(provisioningStatus.safeParse(status).success).toBe(false);
  });
});
