import * as z from 'zod';
import type { CreateServiceUserRequest } from '../../../contracts/app1-api.ts';
import { sourceOf } from '../../../contracts/events/catalogue.ts';
import { functionNamed, targetNames } from '../../../infra/names.ts';
import { targets } from './targets.ts';

/**
 * Name of the target under test, at which the cases provision users: `app2`, unless `FAULTS_TARGET` names another one. In
 * the sample of `npm test`, target-of-file.ts sets the variable for each test file.
 */
export const target = z.enum(targets).default(targets[0]).parse(process.env['FAULTS_TARGET']);

/**
 * Names of the targets at which a case provisions its user, unless it names others: the target under test, and those of
 * `FAULTS_BESIDE`, which stay healthy (`FAULTS_BESIDE=payments,orders`).
 */
export const provisionedTargets: readonly string[] = [
  ...new Set([target, ...z.array(z.enum(targets)).parse(process.env['FAULTS_BESIDE']?.split(',') ?? [])]),
];

/** The field `targets` of a request for these targets. A request for App1's default target omits it. */
export const requestFor = (names: readonly string[]): Pick<CreateServiceUserRequest, 'targets'> =>
  names.join() === targets[0] ? {} : { targets: [...names] };

/** The field `targets` of a request, unless the case names its targets. */
export const requestedTargets = requestFor(provisionedTargets);

/** Source of the audit events of the target under test. */
export const targetSource = sourceOf(target);

/** Names of the resources of the target under test. */
export const names = targetNames(target);

/** Name of a function of the target under test: `create-user` is `app2-create-user`. */
export const targetFunction = (name: string): string => functionNamed(target, name);
