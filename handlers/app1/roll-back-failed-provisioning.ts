import { SFNClient } from '@aws-sdk/client-sfn';
import { stepClient } from '../shared/aws-clients.ts';
import { rollBackEnded, statusChange } from '../shared/ended-execution.ts';
import { readEnvironment } from '../shared/environment.ts';
import { step } from '../shared/step.ts';
import { environments } from './environments.ts';
import { provisionings } from './provisioning.ts';

/** Rolls back a provisioning that ended without having undone what it did. */
export const handler = step(
  statusChange,
  rollBackEnded(
    provisionings(stepClient(SFNClient), readEnvironment(environments['roll-back-failed-provisioning'])),
  ),
);
