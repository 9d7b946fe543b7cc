import * as z from 'zod';
import { jsonText } from '../../../contracts/json-text.ts';
import { policyText, targetState } from '../../../contracts/targets.ts';
import { StepError } from '../../shared/errors.ts';

/**
 * App1's registry of targets, as a function reads it from its environment: the names and states of all targets, and the
 * fields that the function needs of those that are not gone. infra/registry.ts sets it.
 */

const text = z.string().min(1);

/** A target as every function knows it. A name is not checked: the stack has checked it. */
const named = z.object({ name: text, state: targetState });
export type RegisteredTarget = z.infer<typeof named>;

const gone = named.extend({ state: targetState.extract(['gone']) });

/** The variable `TARGETS`: JSON of an array. @param fields the fields of a target that is not gone */
function registryText<Fields extends z.ZodRawShape>(fields: Fields) {
  const present = z.object({ name: text, state: targetState.exclude(['gone']), ...fields });
  return jsonText.pipe(z.array(z.union([present, gone])));
}

/** Names and states. */
export const targetStates = registryText({});

/** For the check of a request: the password policy of each target's pool. */
export const targetPolicies = registryText({ password_policy: policyText });
export type TargetPolicies = z.infer<typeof targetPolicies>;

/** For the encryption of passwords: each target's key. */
export const targetKeys = registryText({ key_arn: text });
export type TargetKeys = z.infer<typeof targetKeys>;

/** For calls: each target's API, App1's app client there, and the secret with App1's credentials. */
export const targetAddresses = registryText({ api_url: z.url(), client_id: text, secret_arn: text });
export type TargetAddress = Exclude<z.infer<typeof targetAddresses>[number], { state: 'gone' }>;

/** Names of the targets that accept new requests. */
export const activeTargets = (registry: readonly RegisteredTarget[]): string[] =>
  registry.filter(({ state }) => state === 'active').map(({ name }) => name);

/** Names of the targets that do not exist any more. */
export const goneTargets = (registry: readonly RegisteredTarget[]): string[] =>
  registry.filter(({ state }) => state === 'gone').map(({ name }) => name);

/**
 * The registered target of this name, which can be gone.
 * @throws TargetNotRegistered
 */
export function findTarget<Target extends RegisteredTarget>(
  registry: readonly Target[],
  name: string,
): Target {
  const found = registry.find((target) => target.name === name);
  if (found === undefined)
    throw new StepError('TargetNotRegistered', `The target ${name} is not registered.`);
  return found;
}

/**
 * The fields of a target that is not gone.
 * @throws TargetNotRegistered
 */
export function presentTarget<Target extends RegisteredTarget>(
  registry: readonly Target[],
  name: string,
): Exclude<Target, { state: 'gone' }> {
  const target = findTarget(registry, name);
  if (isPresent(target)) return target;
  throw new StepError('TargetNotRegistered', `The target ${name} is registered as gone.`);
}

const isPresent = <Target extends RegisteredTarget>(
  target: Target,
): target is Exclude<Target, { state: 'gone' }> => target.state !== 'gone';
