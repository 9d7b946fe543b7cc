import type { Quota } from '../../local/harness/faults/quotas.ts';

/**
 * What AWS allows an account in one region, per second, that a provisioning uses.
 * docs.aws.amazon.com/cognito/latest/developerguide/quotas.html (category operations and request rate quotas)
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (API action throttling)
 */
const TOO_MANY = 'TooManyRequestsException';
const cognito = (...operations: string[]): string[] => operations.map((name) => `cognito-idp:${name}`);

export const ceilings: readonly Quota[] = [
  {
    name: 'AddUserToGroup and DeleteUser',
    calls: cognito('AdminAddUserToGroup', 'AdminDeleteUser'),
    per_second: 25,
    at_once: 25,
    code: TOO_MANY,
  },
  {
    name: 'SetUserPassword',
    calls: cognito('AdminSetUserPassword'),
    per_second: 30,
    at_once: 30,
    code: TOO_MANY,
  },
  {
    name: 'CreateUser',
    calls: cognito('AdminCreateUser'),
    per_second: 50,
    at_once: 50,
    code: TOO_MANY,
  },
  { name: 'GetUser', calls: cognito('AdminGetUser'), per_second: 120, at_once: 120, code: TOO_MANY },
  {
    name: 'sign-in of one user',
    calls: cognito('InitiateAuth'),
    per_second: 10,
    at_once: 10,
    code: TOO_MANY,
    each: 'AuthParameters.USERNAME',
  },
  {
    name: 'DescribeExecution',
    calls: ['stepfunctions:DescribeExecution'],
    per_second: 15,
    at_once: 300,
    code: 'ThrottlingException',
  },
];

/** The narrowest: no more users per second can be made, and removed, than this. */
export const NARROWEST = 'AddUserToGroup and DeleteUser';

/**
 * A part of all ceilings. Who calls with equal pauses may be late by `(at_once - 1) / per_second` seconds before a call
 * is refused, and how late calls come does not scale: so that time stays what it is at AWS.
 */
export const scaled = (factor: number): Quota[] =>
  ceilings.map((quota) => ({
    ...quota,
    per_second: quota.per_second * factor,
    at_once: 1 + (quota.at_once - 1) * factor,
  }));
