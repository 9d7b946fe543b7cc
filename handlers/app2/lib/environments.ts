import * as z from 'zod';
import { businessRoute } from '../../../contracts/app2-access.ts';
import { jsonText } from '../../../contracts/json-text.ts';
import { passwordPolicyText } from '../../../contracts/password-policy.ts';
import { targetName } from '../../../contracts/services.ts';
import { monitoredBus, sweepTable, sweepVariables } from '../../shared/environment.ts';

const text = z.string().min(1);

const rate = z.string().transform(Number).pipe(z.number().positive());

/** Name of the service, for functions that need it: in events, timelines and the encryption context. */
const service = z.object({ SERVICE: targetName });

const machines = z.object({ STATE_MACHINE_ARN: text, ROLL_BACK_STATE_MACHINE_ARN: text });

/** Variables of the creation limiter. */
const creationRates = z.object({
  ...service.shape,
  RATE_LIMITS_TABLE: text,
  /** Rate of creations; slightly below the lowest quota, which compensation shares. */
  CREATIONS_PER_SECOND: rate,
  /** Additional rate for callers with few queued creations; 0 disables it. */
  EXPRESS_CREATIONS_PER_SECOND: z.string().transform(Number).pipe(z.number().nonnegative()),
});

export type CreationRates = z.infer<typeof creationRates>;

/** Variables for the creation of machine users: their app client, and the group that may create users. */
const machineUsers = z.object({ USER_POOL_ID: text, MACHINE_CLIENT_ID: text, API_CLIENT_GROUP: text });

/** The environment variables of a target's functions. The stack sets them and the functions read them by these schemas. */
export const environments = {
  authorizer: z.object({
    USER_POOL_ID: text,
    /** The app clients whose tokens are accepted, each for its own routes. */
    MACHINE_CLIENT_ID: text,
    SERVICE_CLIENT_ID: text,
    /** Names of the groups in the pool. */
    API_CLIENT_GROUP: text,
    SERVICE_USER_GROUP: text,
    /** Tokens that are refused if their user is deleted or disabled: none, those of /admin, or all. */
    CHECK_USER_IN_POOL: z.enum(['off', 'admin', 'all']),
    /** The business endpoints of the service, in JSON. */
    BUSINESS_ROUTES: jsonText.pipe(z.array(businessRoute)),
  }),
  'start-user-creation': z.object({
    ...machines.shape,
    ...creationRates.shape,
    /** Rate of creations whose status is polled for clients that accept a notification. */
    STATUS_POLLS_PER_SECOND: rate,
  }),
  'get-user-creation': z.object({
    ...service.shape,
    USER_POOL_ID: text,
    SERVICE_USER_GROUP: text,
    ...machines.shape,
  }),
  'cancel-user-creation': z.object({ USER_POOL_ID: text, ...machines.shape }),
  sample: z.object({}),
  'decrypt-credentials': z.object({
    KEY_ARN: text,
    PASSWORD_POLICY: passwordPolicyText,
    ...creationRates.shape,
  }),
  'create-user': z.object({ USER_POOL_ID: text, ...machines.shape }),
  'set-password': z.object({ ...service.shape, USER_POOL_ID: text, KEY_ARN: text }),
  'add-to-group': z.object({
    USER_POOL_ID: text,
    SERVICE_USER_GROUP: text,
    RATE_LIMITS_TABLE: text,
    /** Cognito's quota of AddUserToGroup and DeleteUser together, per second. */
    GROUP_CHANGES_PER_SECOND: rate,
  }),
  'delete-user': z.object({ USER_POOL_ID: text }),
  'notify-completion': z.object({ ...service.shape, EVENT_BUS_NAME: text }),
  'stop-user-creation': z.object({
    ...machines.pick({ STATE_MACHINE_ARN: true }).shape,
    ...creationRates.shape,
  }),
  'start-roll-back': z.object({ ...machines.shape, ...sweepTable.shape }),
  'sweep-user-creations': z.object({ ...machines.shape, ...monitoredBus.shape, ...sweepVariables.shape }),
  'issue-machine-user': z.object({ ...machineUsers.shape, SECRET_ARN: text }),
  'revoke-machine-credentials': z.object({ USER_POOL_ID: text, SECRET_ARN: text }),
  'rotate-machine-user': z.object({ ...service.shape, ...machineUsers.shape, EVENT_BUS_NAME: text }),
} as const;
