import * as z from 'zod';

/**
 * The kinds of services: App1, and a target. The code of every target is in folders named `app2`, after the first one.
 */
export const serviceKinds = ['app1', 'app2'] as const;
export const serviceKind = z.enum(serviceKinds);
export type ServiceKind = z.infer<typeof serviceKind>;

/** Name of App1. No target may have it. */
export const APP1 = 'app1';

/** Name of App2, the first target. */
export const APP2 = 'app2';

/** Name of a service: the prefix of its resources' names, and its name in events, timelines and settings. */
export const serviceName = z
  .string()
  .regex(/^[a-z][a-z0-9]{1,19}$/, 'must be 2 to 20 lower-case letters and digits, and start with a letter');

/** Name of a target. */
export const targetName = serviceName.refine((name) => name !== APP1, `must not be ${APP1}`);

/** The kind of the service with this name. */
export const kindOf = (name: string): ServiceKind => (name === APP1 ? 'app1' : 'app2');

/** A service's name in an identifier in PascalCase, as of a parameter or a stack: `payments` is `Payments`. */
export const pascalCase = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/**
 * Name of the workflow of a state machine: without the name of the service, which a target's state machines start with.
 * @param stateMachine ARN or name of the state machine
 */
export const workflowNameOf = (stateMachine: string): string =>
  stateMachine.replace(/^.*:/, '').replace(/^[a-z][a-z0-9]*-/, '');
