import * as z from 'zod';
import { passwordPolicyText } from '../../../contracts/password-policy.ts';
import { monitoredBus, sweeping, sweepTable } from '../../shared/environment.ts';

const machines = z.object({
  STATE_MACHINE_ARN: z.string().min(1),
  ROLL_BACK_STATE_MACHINE_ARN: z.string().min(1),
});

/** Which tasks of App1 wait for which creations. */
const callbacks = z.object({ CALLBACKS_TABLE: z.string().min(1) });

/** By which scheme callers reach App1's API: `https`, which is all that API Gateway serves, or the local AWS's `http`. */
const apiScheme = z.enum(['https', 'http']);
export type ApiScheme = z.infer<typeof apiScheme>;

const rate = z.string().transform(Number).pipe(z.number().positive());

/** How many executions callers may have described per second. */
export const callerRates = z.object({
  RATE_LIMITS_TABLE: z.string().min(1),
  /** All callers together. */
  DESCRIBES_PER_SECOND: rate,
  DESCRIBES_PER_SECOND_AND_CALLER: rate,
});

const starting = z.object({
  ...machines.shape,
  ...callbacks.shape,
  ...callerRates.shape,
  INTAKE_KEY_ARN: z.string().min(1),
  MAC_KEY_ARN: z.string().min(1),
  API_SCHEME: apiScheme,
});

const starts = z.object({
  ...starting.shape,
  /** The policy of App2's pool, as App2's stack puts it out. */
  PASSWORD_POLICY: passwordPolicyText,
});

/** What each of App1's functions needs to know: infra sets it, the function reads it, both by this page. */
export const environments = {
  'start-provisioning': starts,
  'retry-provisioning': starting,
  /** In place of start-provisioning, only while a legacy endpoint is being replaced. */
  'route-provisioning': z.object({
    ...starts.shape,
    LEGACY_ENDPOINT: z.url(),
    LEGACY_SECRET_ARN: z.string().min(1),
    /** Table that remembers which way a key went. */
    KEYS_TABLE: z.string().min(1),
    /** `<application>/<environment>/<profile>` in AppConfig; absent while the header decides. */
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
    CALL_APP2_FUNCTION: z.string().min(1),
  }),
  'cancel-provisioning': z.object({ ...machines.shape, ...callerRates.shape }),
  'stop-provisioning': machines.pick({ STATE_MACHINE_ARN: true }),
  'start-roll-back': z.object({ ...machines.shape, ...sweepTable.shape }),
  'sweep-provisionings': z.object({
    ...machines.shape,
    ...monitoredBus.shape,
    ...sweeping.shape,
  }),
  'encrypt-credentials': z.object({
    INTAKE_KEY_ARN: z.string().min(1),
    APP2_KEY_ARN: z.string().min(1),
  }),
  'call-app2': z.object({
    APP2_API_URL: z.url(),
    APP2_CLIENT_ID: z.string().min(1),
    APP2_SECRET_ARN: z.string().min(1),
    /** `on`: App2's completion notifications arrive. */
    APP2_NOTIFICATIONS: z.enum(['on', 'off']),
    ...callbacks.shape,
    INTAKE_KEY_ARN: z.string().min(1),
  }),
} as const;
