import * as z from 'zod';
import { passwordPolicyText } from '../../../contracts/password-policy.ts';
import { monitoredBus, sweepTable, sweepVariables } from '../../shared/environment.ts';

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
  /** The password policy of the target's pool, an output of the target's stack. */
  PASSWORD_POLICY: passwordPolicyText,
});

/** The environment variables of App1's functions. The stack sets them and the functions read them by these schemas. */
export const environments = {
  'start-provisioning': startVariables,
  'retry-provisioning': acceptVariables,
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
  }),
  'cancel-provisioning': z.object({ ...machines.shape, ...callerRates.shape }),
  'stop-provisioning': machines.pick({ STATE_MACHINE_ARN: true }),
  'start-roll-back': z.object({ ...machines.shape, ...sweepTable.shape }),
  'sweep-provisionings': z.object({
    ...machines.shape,
    ...monitoredBus.shape,
    ...sweepVariables.shape,
  }),
  'encrypt-credentials': z.object({
    INTAKE_KEY_ARN: z.string().min(1),
    APP2_KEY_ARN: z.string().min(1),
  }),
  'call-target': z.object({
    APP2_API_URL: z.url(),
    APP2_CLIENT_ID: z.string().min(1),
    APP2_SECRET_ARN: z.string().min(1),
    /** `on`: App1 receives the target's completion notifications. */
    APP2_NOTIFICATIONS: z.enum(['on', 'off']),
    ...callbacks.shape,
    INTAKE_KEY_ARN: z.string().min(1),
  }),
} as const;
