import type { AttributeType } from '@aws-sdk/client-cognito-identity-provider';
import { MACHINE_OWNER } from './api-events.ts';
import { SUB, subject } from './subject.ts';

/** What a provisioning stamps on a user, by the names of the attributes without `custom:`. */
export const stamps: Readonly<Record<string, string>> = {
  provisioning_id: subject.provisioning_id,
  creation_id: subject.creation_id,
  human_user_id: subject.human_user_id,
  owner: MACHINE_OWNER,
};

/** Attributes of a user as Cognito answers them; of the test's provisioning, unless told otherwise. */
export const attributesOf = (
  stamped: Readonly<Record<string, string>> | undefined = stamps,
  sub: string = SUB,
): AttributeType[] => [
  { Name: 'sub', Value: sub },
  ...Object.entries(stamped ?? {}).map(([name, Value]) => ({ Name: `custom:${name}`, Value })),
];

/** Of a user that no provisioning has made. */
export const withoutStamps: AttributeType[] = [{ Name: 'sub', Value: SUB }];
