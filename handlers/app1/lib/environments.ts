import * as z from 'zod';
import { storedTargets } from '../../../contracts/executions.ts';
import { monitoredBus, sweepTable, sweepVariables } from '../../shared/environment.ts';
import { targetAddresses, targetKeys, targetPolicies, targetStates } from './registry.ts';

const machines = z.object({
  STATE_MACHINE_ARN: z.string().min(1),
  ROLL_BACK_STATE_MACHINE_ARN: z.string().min(1),
});

/** Table of the callback registry. */
const callbacks = z.object({ CALLBACKS_TABLE: z.string().min(1) });

/** URL scheme of App1's API: `https` at API Gateway, `http` at the local AWS. */
const apiScheme = z.enum(['https', 'http']);
export type ApiScheme = z.infer<typeof apiScheme>;

const rate = z.string().transform(Number).pipe(z.number().positive());

/** Rates of DescribeExecution calls on behalf of callers, per second. */
export const callerRates = z.object({
  RATE_LIMITS_TABLE: z.string().min(1),
  /** All callers together. */
  DESCRIBES_PER_SECOND: rate,
  DESCRIBES_PER_SECOND_AND_CALLER: rate,
});

const acceptVariables = z.object({
  ...machines.shape,
  ...callbacks.shape,
  ...callerRates.shape,
  INTAKE_KEY_ARN: z.string().min(1),
  MAC_KEY_ARN: z.string().min(1),
  API_SCHEME: apiScheme,
});

const startVariables = z.object({
  ...acceptVariables.shape,
  TARGETS: targetPolicies,
  /** Names of the targets of a request that names none, separated by commas. */
  DEFAULT_TARGETS: z
    .string()
    .transform((names) => names.split(','))
    .pipe(storedTargets),
});

/** The environment variables of App1's functions. The stack sets them and the functions read them by these schemas. */
export const environments = {
  'start-provisioning': startVariables,
  'retry-provisioning': z.object({ ...acceptVariables.shape, TARGETS: targetStates }),
  /** Replaces start-provisioning while a legacy endpoint is being replaced. */
  'route-provisioning': z.object({
    ...startVariables.shape,
    LEGACY_ENDPOINT: z.url(),
    LEGACY_SECRET_ARN: z.string().min(1),
    /** Table with the backend of each Idempotency-Key. */
    KEYS_TABLE: z.string().min(1),
    /** `<application>/<environment>/<profile>` in AppConfig; absent in the phase in which the header selects the backend. */
    MIGRATION_FLAG: z
      .string()
      .regex(/^[^/]+\/[^/]+\/[^/]+$/)
      .transform((address) => {
        const [application = '', environment = '', profile = ''] = address.split('/');
        return { application, environment, profile };
      })
      .optional(),
  }),
  'get-provisioning': z.object({
    ...machines.shape,
    ...callbacks.shape,
    ...callerRates.shape,
    CALL_TARGET_FUNCTION: z.string().min(1),
    TARGETS: targetStates,
  }),
  'cancel-provisioning': z.object({ ...machines.shape, ...callerRates.shape, TARGETS: targetStates }),
  'stop-provisioning': machines.pick({ STATE_MACHINE_ARN: true }),
  'start-roll-back': z.object({ ...machines.shape, ...sweepTable.shape }),
  'sweep-provisionings': z.object({
    ...machines.shape,
    ...monitoredBus.shape,
    ...sweepVariables.shape,
  }),
  'encrypt-credentials': z.object({
    INTAKE_KEY_ARN: z.string().min(1),
    TARGETS: targetKeys,
  }),
  'call-target': z.object({
    TARGETS: targetAddresses,
    ...callbacks.shape,
    INTAKE_KEY_ARN: z.string().min(1),
  }),
} as const;
