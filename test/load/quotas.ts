import type { Quota } from '../../local/harness/faults/quotas.ts';

/**
 * Quotas of AWS for an account and region, per second, of the calls of a provisioning.
 * docs.aws.amazon.com/cognito/latest/developerguide/quotas.html (category operations and request rate quotas)
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (API action throttling)
 */
const TOO_MANY = 'TooManyRequestsException';
const cognito = (...operations: string[]): string[] => operations.map((name) => `cognito-idp:${name}`);

export const quotas: readonly Quota[] = [
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

/** The narrowest quota: it limits the number of users that can be created, and removed, per second. */
export const NARROWEST = 'AddUserToGroup and DeleteUser';

/**
 * All quotas, multiplied by a factor. A client with equal pauses may be late by `(at_once - 1) / per_second` seconds
 * before a call is throttled. The lateness of calls does not scale, so this time stays the one of AWS.
 */
export const scaled = (factor: number): Quota[] =>
  quotas.map((quota) => ({
    ...quota,
    per_second: quota.per_second * factor,
    at_once: 1 + (quota.at_once - 1) * factor,
  }));
