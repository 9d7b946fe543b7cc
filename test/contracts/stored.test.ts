import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import * as answers from '../../cli/answers.ts';
import { createServiceUserRequest } from '../../contracts/app1-api.ts';
import { createUserRequest } from '../../contracts/app2-api.ts';
import { eventDetail, eventRows } from '../../contracts/events/catalogue.ts';
import * as executions from '../../contracts/executions.ts';
import { failureCode, knownCode } from '../../contracts/failures.ts';
import { onBehalfOf } from '../../contracts/headers.ts';
import { receivedNotification } from '../../contracts/notification.ts';
import { provisioningStatus, receivedStatus, timelinePart } from '../../contracts/status.ts';
import { callApp2Input } from '../../handlers/app1/call-app2.ts';
import { encryptCredentialsInput } from '../../handlers/app1/encrypt-credentials.ts';
import { addToGroupInput } from '../../handlers/app2/add-to-group.ts';
import { createUserInput } from '../../handlers/app2/create-user.ts';
import { deleteUserInput } from '../../handlers/app2/delete-user.ts';
import { setPasswordInput } from '../../handlers/app2/set-password.ts';
import { stopExecutionInput } from '../../handlers/shared/stop-execution.ts';
import { olderValues } from '../support/older-values.ts';
import { subject } from '../support/subject.ts';

/** Whatever is read of what is stored, by name: inputs of executions and steps, statuses, events, answers to the CLI. */
const storedSchemas = new Map<string, z.ZodType>([
  ...schemasOf('executions', executions),
  ...schemasOf('cli', answers),
  ...Object.entries({
    receivedNotification,
    receivedStatus,
    provisioningStatus,
    callApp2Input,
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

/** What callers choose and what is therefore measured by rules for requests, as another release may have taken it. */
const chosen: Readonly<Record<string, readonly string[]>> = {
  ...olderValues,
  on_behalf_of: ['an owner of another kind', 'x'.repeat(300)],
  encrypted_password: ['sealed in another alphabet -_', 'x'.repeat(20_000)],
  intake_ciphertext: ['sealed in another alphabet -_', 'x'.repeat(20_000)],
};

/** Every place in a schema at which one of these fields is read, with the schema of the field. */
function chosenFields(schema: unknown): [field: string, schema: z.ZodType][] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([field, of]): [string, z.ZodType][] => [
      ...(Object.hasOwn(chosen, field) && of instanceof z.ZodType
        ? [[field, of] as [string, z.ZodType]]
        : []),
      ...chosenFields(of),
    ]);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(chosenFields);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return chosenFields(schema.unwrap());
  return schema instanceof z.ZodArray ? chosenFields(schema.element) : [];
}

const places = [...storedSchemas].flatMap(([name, schema]) =>
  chosenFields(schema).map(([field, of]) => [`${field} of ${name}`, field, of] as const),
);

describe('what is stored is read loosely', () => {
  it('at many places, which this test finds by itself', () => {
    const fields = new Set(places.map(([, field]) => field));

    expect([...fields].sort()).toEqual(Object.keys(chosen).sort());
    expect(places.length).toBeGreaterThan(30);
  });

  it.each(places)('%s is what a request may say, and what one might have said', (_place, field, schema) => {
    const values = [...(chosen[field] ?? []), 'c2VhbGVk', 'h-42'];

    expect(values.filter((value) => schema.safeParse(value).data !== value)).toEqual([]);
  });

  it.each([
    ['App1', createServiceUserRequest.shape],
    ['App2', { ...createUserRequest.shape, on_behalf_of: onBehalfOf }],
  ])('while requests to %s are measured by rules that refuse such values', (_service, shape) => {
    const taken = Object.entries<z.ZodType>(shape).flatMap(([field, schema]) =>
      (chosen[field] ?? []).filter((value) => schema.safeParse(value).success).map((value) => [field, value]),
    );

    expect(taken).toEqual([]);
  });
});

describe('a status', () => {
  const status = {
    ...subject,
    status: 'FAILED',
    user: 'absent',
    started_at: '2026-01-01T00:00:00.000Z',
    error: { code: 'CODE_OF_A_NEWER_RELEASE', step: 'NewStep', message: 'm', remedy: 'r', retryable: true },
    field_of_a_newer_release: 'text',
  };

  it('of a service of a newer release is read, as far as this one knows it', () => {
    expect(receivedStatus.parse(status)).toEqual({
      status: 'FAILED',
      user: 'absent',
      error: { code: 'CODE_OF_A_NEWER_RELEASE', step: 'NewStep' },
    });
  });

  it('of a newer release is read with its timeline, with the codes that this one does not know', () => {
    const attempt = { started_at: status.started_at, error: { name: 'NewError', code: 'NEW_CODE_2' } };
    const step = {
      service: 'app2',
      workflow: 'CreateServiceUser',
      execution: subject.provisioning_id,
      step: 'NewStep',
      started_at: status.started_at,
      attempts: [attempt],
    };
    const timeline = [{ ...step, field_of_a_newer_release: 'text' }];

    expect(receivedStatus.parse({ ...status, timeline }).timeline).toEqual([step]);
    expect(timelinePart.parse({ timeline }).timeline).toEqual([step]);
    expect(knownCode.options.filter((code) => !failureCode.safeParse(code).success)).toEqual([]);
  });

  it('of this release has exactly its fields, so that a secret is none of them', () => {
    expect(provisioningStatus.safeParse(status).success).toBe(false);
  });
});
