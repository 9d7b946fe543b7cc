import type { AttributeType } from '@aws-sdk/client-cognito-identity-provider';
import { MACHINE_OWNER } from './api-events.ts';
import { SUB, subject } from './subject.ts';

/** The ownership stamp of a user, by the names of the attributes without `custom:`. */
export const stamps: Readonly<Record<string, string>> = {
  provisioning_id: subject.provisioning_id,
  creation_id: subject.creation_id,
  human_user_id: subject.human_user_id,
  owner: MACHINE_OWNER,
};

/** Attributes of a user in a Cognito response, by default with the stamp of the test's provisioning. */
export const attributesOf = (
  stamped: Readonly<Record<string, string>> | undefined = stamps,
  sub: string = SUB,
): AttributeType[] => [
  { Name: 'sub', Value: sub },
  ...Object.entries(stamped ?? {}).map(([name, Value]) => ({ Name: `custom:${name}`, Value })),
];

/** Attributes of a user without a stamp. */
export const withoutStamps: AttributeType[] = [{ Name: 'sub', Value: SUB }];
