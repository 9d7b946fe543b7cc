import type { Machine } from '../../../local/system.ts';
import { denyCalls } from './call-rules.ts';
import type { InterruptionPoint } from './interruption-points.ts';
import type { Position } from './interventions.ts';
import { target } from './target.ts';
import { targets } from './targets.ts';

/**
 * Interruptions of provisionings at two targets, one of which is further than the other. The faults and the held creations
 * and removals are those of the target under test, which is the first one.
 */

/** The target under test, and another one. */
export const twoTargets = [target, ...targets.filter((name) => name !== target).slice(0, 1)];

/** A position of the target under test, and one of the other target. */
type Positions = Record<'first' | 'second', Omit<Position, 'machine' | 'index'>>;

function between(
  machine: Machine,
  { first, second }: Positions,
  path: Omit<InterruptionPoint, 'machine' | 'state' | 'held' | 'targets'> = {},
): InterruptionPoint {
  const textOf = ({ state, left = false }: Positions['first']) => (left ? `${state} (left)` : state);
  return {
    machine,
    state: `${textOf(first)} and ${textOf(second)}`,
    targets: twoTargets,
    held: [
      { machine, ...first, index: 0 },
      { machine, ...second, index: 1 },
    ],
    ...path,
  };
}

const at = (state: string) => ({ state });
const after = (state: string) => ({ state, left: true });
/** The first target creates the user. */
const creating = {
  state: 'RequestUserCreation',
  within: { machine: 'CreateServiceUser', state: 'SetPassword' },
} as const;
/** The first target removes the user. */
const removing = {
  state: 'CancelUserCreation',
  within: { machine: 'RollBackServiceUser', state: 'DeleteUser' },
} as const;

const GROUP = denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup');
const KEY = denyCalls('EncryptCredentials kms:ReEncrypt');
const CANCELLATION = denyCalls('CancelUserCreation DELETE /admin/create-user/{id}');
const SUCCESS = denyCalls('PublishProvisioned events:PutEvents');

const deprovisioned = true;

export const iterationPoints: readonly InterruptionPoint[] = [
  between('ProvisionServiceUser', { first: creating, second: at('Authenticate') }),
  between('ProvisionServiceUser', { first: creating, second: at('EncryptCredentials') }),
  between('ProvisionServiceUser', { first: creating, second: after('RequestUserCreation') }),
  between('ProvisionServiceUser', { first: after('RequestUserCreation'), second: at('Authenticate') }),
  between('ProvisionServiceUser', { first: after('RequestUserCreation'), second: at('RequestUserCreation') }),
  between('ProvisionServiceUser', { first: at('Authenticate'), second: after('RequestUserCreation') }),
  between(
    'ProvisionServiceUser',
    { first: at('TargetFailed'), second: after('RequestUserCreation') },
    { denied: [GROUP] },
  ),
  between(
    'ProvisionServiceUser',
    { first: at('TargetFailed'), second: at('EncryptCredentials') },
    { denied: [GROUP] },
  ),
  between(
    'ProvisionServiceUser',
    { first: at('ChooseCompensation'), second: at('CancelUserCreation') },
    { denied: [GROUP] },
  ),
  between(
    'ProvisionServiceUser',
    { first: at('NothingRequested'), second: at('CancelUserCreation') },
    { denied: [KEY] },
  ),
  between(
    'ProvisionServiceUser',
    { first: at('UserMayRemain'), second: at('CancelUserCreation') },
    { denied: [GROUP, CANCELLATION] },
  ),
  between(
    'ProvisionServiceUser',
    { first: after('CancelUserCreation'), second: at('CancelUserCreation') },
    { denied: [GROUP] },
  ),
  between(
    'ProvisionServiceUser',
    { first: removing, second: after('CancelUserCreation') },
    { denied: [SUCCESS] },
  ),
  between('RollBackProvisioning', { first: removing, second: at('ChooseCompensation') }, { deprovisioned }),
  between(
    'RollBackProvisioning',
    { first: removing, second: after('CancelUserCreation') },
    { deprovisioned },
  ),
  between(
    'RollBackProvisioning',
    { first: after('CancelUserCreation'), second: at('CancelUserCreation') },
    { deprovisioned },
  ),
  between(
    'RollBackProvisioning',
    { first: at('UserMayRemain'), second: at('CancelUserCreation') },
    { deprovisioned, denied: [CANCELLATION] },
  ),
  between(
    'RollBackProvisioning',
    { first: at('CancelUserCreation'), second: at('NothingRequested') },
    {
      cancelledAt: [
        { machine: 'ProvisionServiceUser', ...creating, index: 0 },
        { machine: 'ProvisionServiceUser', state: 'Authenticate', index: 1 },
      ],
    },
  ),
];
