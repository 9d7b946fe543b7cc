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

/** The field `targets` of a request for the target under test. The requests for App1's default target omit it. */
export const requestedTargets: Pick<CreateServiceUserRequest, 'targets'> =
  target === targets[0] ? {} : { targets: [target] };

/** Source of the audit events of the target under test. */
export const targetSource = sourceOf(target);

/** Names of the resources of the target under test. */
export const names = targetNames(target);

/** Name of a function of the target under test: `create-user` is `app2-create-user`. */
export const targetFunction = (name: string): string => functionNamed(target, name);
