import { expect } from '@jest/globals';
import { execution } from './support/executions.ts';
import type { Intervention } from './support/interventions.ts';
import { endOf, violations } from './support/oracle.ts';
import { interruptAt, type Place, places, planFor } from './support/places.ts';
import { suite } from './support/suite.ts';
import { sweepSoon } from './support/sweeps.ts';

/** An execution that is stopped, or times out, runs no Catch. */
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

/** Status at App1 after all; the user is absent in any case. */
function expectedOf({ place: { machine, cancelled }, by }: Interruption): string {
  if (machine.startsWith('RollBack')) return cancelled ? 'ABORTED, absent' : 'SUCCEEDED, absent';
  const ended = by === 'stop' ? 'ABORTED' : 'TIMED_OUT';
  return machine === 'ProvisionServiceUser' ? `${ended}, absent` : 'FAILED, absent';
}

suite('an interruption', cases, {
  async run({ place, by }, aftermath) {
    const planned = await planFor(place);
    await interruptAt(place, by, planned);
    const interrupted = (await execution(place.machine, planned.id))?.status ?? 'not there';
    // No rule is about roll-backs: the sweep watches them.
    if (place.machine.startsWith('RollBack')) await sweepSoon();
    const broken = await violations(planned, { within: 180_000 });
    const { status, user } = await endOf(planned.id);
    aftermath.ended(planned, user);
    return { broken, interrupted, status: `${status}, ${user}` };
  },
  check: (result, one) => {
    expect(result).toEqual({
      broken: [],
      interrupted: one.by === 'stop' ? 'ABORTED' : 'TIMED_OUT',
      status: expectedOf(one),
    });
  },
  sample: 9,
});
