import type { Check } from './check.ts';
import { assumedChecks } from './checks/assumed.ts';
import { healthChecks } from './checks/health.ts';
import { notificationChecks } from './checks/notification.ts';
import { operationChecks } from './checks/operations.ts';
import { passwordChecks } from './checks/passwords.ts';
import { provisioningChecks } from './checks/provisioning.ts';
import { refusalChecks } from './checks/refusals.ts';
import { removalChecks } from './checks/removal.ts';
import { signalChecks } from './checks/signals.ts';

/** All checks, in stages that run sequentially. Signals come last, because the other checks cause them. */
export const stages: readonly (readonly Check[])[] = [
  healthChecks,
  [
    ...operationChecks,
    ...removalChecks,
    ...provisioningChecks,
    ...passwordChecks,
    ...refusalChecks,
    ...notificationChecks,
    ...assumedChecks,
  ],
  signalChecks,
];

export const allChecks: readonly Check[] = stages.flat();
