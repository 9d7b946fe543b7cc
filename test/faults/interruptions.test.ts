import { beforeAll, describe, expect, it } from '@jest/globals';
import type { FaultRule } from '../../local/faults/rules.ts';
import type { Machine } from '../../local/system.ts';
import { newPassword, system } from '../e2e/support/deployed.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import type { Known } from './matrix/calls.ts';
import { entered, execution } from './support/executions.ts';
import { bystanders } from './support/foreign.ts';
import { holdOf, refusal } from './support/holds.ts';
import { type Intervention, interventions } from './support/interventions.ts';
import { type Planned, plan } from './support/known.ts';
import { endOf, risenUsers, touchedUsers, violations } from './support/oracle.ts';
import { inParallel } from './support/parallel.ts';
import { post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { selected } from './support/selection.ts';
import { sweepSoon } from './support/sweeps.ts';

/** How an execution comes to a state, and is held there. */
interface Place {
  machine: Machine;
  state: string;
  /** Whether the way there begins with a DELETE of what was provisioned. */
  deprovisioned?: boolean;
  /** What is refused for good, so that the way leads there. */
  refused?: ((known: Known) => FaultRule)[];
  /** A password that App2's policy refuses. */
  weak?: boolean;
}

const on = (machine: Machine, states: string[], more: Omit<Place, 'machine' | 'state'> = {}): Place[] =>
  states.map((state) => ({ machine, state, ...more }));

const GROUP = refusal('AddToGroup cognito-idp:AdminAddUserToGroup');
const DELETION = refusal('DeleteUser cognito-idp:AdminDeleteUser');
const CANCELLATION = refusal('CancelUserCreation DELETE /admin/create-user/{id}');

const places: Place[] = [
  ...on('ProvisionServiceUser', ['EncryptCredentials', 'RequestUserCreation', 'AnnounceProvisioned']),
  ...on('ProvisionServiceUser', ['CancelUserCreation', 'AnnounceProvisioningFailed'], { refused: [GROUP] }),
  ...on('ProvisionServiceUser', ['AnnounceRollBackFailed'], { refused: [GROUP, CANCELLATION] }),
  ...on('CreateServiceUser', [
    'DecryptCredentials',
    'CreateUser',
    'SetPassword',
    'AddToGroup',
    'AnnounceCreated',
  ]),
  ...on('CreateServiceUser', ['AnnounceRejected'], { weak: true }),
  ...on('CreateServiceUser', ['DeleteUser', 'AnnounceRolledBack'], { refused: [GROUP] }),
  ...on('CreateServiceUser', ['AnnounceRollBackFailed'], { refused: [GROUP, DELETION] }),
  ...on('RollBackProvisioning', ['StopProvisioning', 'CancelUserCreation', 'AnnounceDeprovisioned'], {
    deprovisioned: true,
  }),
  ...on('RollBackServiceUser', ['StopUserCreation', 'DeleteUser', 'AnnounceRemoved'], {
    deprovisioned: true,
  }),
  ...on('RollBackProvisioning', ['AnnounceRollBackFailed'], {
    deprovisioned: true,
    refused: [CANCELLATION],
  }),
  ...on('RollBackServiceUser', ['AnnounceRollBackFailed'], { deprovisioned: true, refused: [DELETION] }),
];

interface Interruption {
  name: string;
  place: Place;
  by: Intervention;
}

const cases: Interruption[] = places.flatMap((place) =>
  (['stop', 'time out'] as const).map((by) => ({
    name: `${by} of ${place.machine} in ${place.state}`,
    place,
    by,
  })),
);

const asked: { id: string; user: string }[] = [];

async function run({
  place,
  by,
}: Interruption): Promise<{ broken: string[]; status: string; interrupted: string }> {
  await bystanders;
  const planned = await plan(place.weak ? { password: newPassword().toLowerCase() } : {});
  const { id } = planned;
  if (place.deprovisioned) await provisioned(planned);
  const refused = await inject(...(place.refused ?? []).map((rule) => rule(planned)));
  const held = await inject(...holdOf(place.state, planned, place.deprovisioned));
  try {
    if (place.deprovisioned) await system.deprovision(id);
    else await post(planned, planned.key);
    await entered(place.machine, id, place.state);
    await eventually(async () => {
      if (!(await held.allFired())) throw new Error(`${place.state} is not held.`);
    }, 60_000);
    await interventions[by](place.machine, id);
  } finally {
    await refused.lift();
    await held.lift();
  }
  const interrupted = (await execution(place.machine, id))?.status ?? 'not there';
  // No rule is about roll-backs: the sweep watches them.
  if (place.machine.startsWith('RollBack')) await sweepSoon();
  const broken = await violations(planned, { within: 180_000 });
  const { status, user } = await endOf(id);
  asked.push({ id, user });
  return { broken, interrupted, status: `${status}, ${user}` };
}

async function provisioned(planned: Planned): Promise<void> {
  await post(planned, planned.key);
  await eventually(async () => {
    const { status } = await endOf(planned.id);
    if (status !== 'SUCCEEDED') throw new Error(`${planned.id} is ${status}.`);
  }, 60_000);
}

/** Status at App1 after all; the user is absent in any case. */
function expectedOf({ place: { machine }, by }: Interruption): string {
  if (machine.startsWith('RollBack')) return 'SUCCEEDED, absent';
  const ended = by === 'stop' ? 'ABORTED' : 'TIMED_OUT';
  return machine === 'ProvisionServiceUser' ? `${ended}, absent` : 'FAILED, absent';
}

const chosen = selected(cases, 9);
const resultOf = inParallel(chosen, run);

describe('what runs no Catch', () => {
  it.each(chosen)('$name', async (one) => {
    expect(await resultOf(one)).toEqual({
      broken: [],
      interrupted: one.by === 'stop' ? 'ABORTED' : 'TIMED_OUT',
      status: expectedOf(one),
    });
  });
});

describe('when all is over', () => {
  beforeAll(() => Promise.allSettled(chosen.map(resultOf)));

  it('no user has risen again', async () => {
    expect(await risenUsers(asked)).toEqual([]);
  });

  it('nobody else was touched', async () => {
    expect(await touchedUsers(await bystanders)).toEqual([]);
  });
});
