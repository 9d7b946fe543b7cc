import { expect } from '@jest/globals';
import { provisioningStatus, type WaitingFor } from '../../contracts/status.ts';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { targetKey, targetRequests } from './matrix/matches.ts';
import { attemptsDuring, outages } from './matrix/outages.ts';
import { statesOf, system } from './support/deployed.ts';
import { countAttempts, waitForRetries, waitUntilFinished } from './support/executions.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { type PlannedProvisioning, plan } from './support/plan.ts';
import { deprovision, post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type FinalChecks, suite } from './support/suite.ts';

/** App2 is unavailable while a provisioning needs it, for a time or until the caller sends a DELETE. */
interface Case {
  name: string;
  run: (planned: PlannedProvisioning) => Promise<Observed>;
  expected: Observed;
}

interface Observed {
  /** Status, user and error code. */
  outcome: string;
  /** Attempts of App1's steps. */
  attempts?: Record<string, number>;
  waiting_for?: Pick<WaitingFor, 'what' | 'step' | 'code'>;
  /** States of the roll-back. */
  states?: string[];
}

const unavailable = { error: { code: 'ServiceUnavailable', status: 503 } };

const requests = (planned: PlannedProvisioning): FaultRule => ({
  ...targetRequests.POST.match(planned),
  ...unavailable,
});
const cancellations = (planned: PlannedProvisioning): FaultRule => ({
  ...targetRequests.DELETE.match(planned),
  ...unavailable,
});
/** Each attempt times out, so the state lasts long enough for a DELETE. */
const keyUses = (planned: PlannedProvisioning): FaultRule => ({
  ...targetKey('ReEncrypt').match(planned),
  timeout_ms: 3_500,
});

async function readOutcome({ id }: PlannedProvisioning): Promise<string> {
  const { status, user, error } = await waitForOutcome(id, 300_000);
  return [status, user, ...(error === undefined ? [] : [error.code])].join(', ');
}

/** Waits until the status contains `waiting_for`. */
const readWaitingFor = ({ id }: PlannedProvisioning): Promise<Pick<WaitingFor, 'what' | 'step' | 'code'>> =>
  eventually(async () => {
    const { waiting_for } = provisioningStatus.parse((await system.status(id)).body);
    if (waiting_for === undefined) throw new Error(`The status of ${id} has no waiting_for.`);
    const { what, step, code } = waiting_for;
    return { what, step, code };
  }, 120_000);

const outageCases: Case[] = outages.map((outage) => {
  const { request, cancel } = attemptsDuring(outage);
  const { status, user, app1 } = outage.outcome;
  const givesUp = cancel > 0;
  return {
    name: `App2 is unavailable for ${outage.length}`,
    async run(planned) {
      const { lift } = await inject(
        { ...requests(planned), ...(givesUp ? {} : { times: request }) },
        ...(givesUp ? [{ ...cancellations(planned), times: cancel }] : []),
      );
      try {
        await post(planned, planned.key);
        await waitUntilFinished('ProvisionServiceUser', planned.id);
        return {
          outcome: await readOutcome(planned),
          attempts: {
            RequestUserCreation: await countAttempts(
              'ProvisionServiceUser',
              planned.id,
              'RequestUserCreation',
            ),
            CancelUserCreation: await countAttempts('ProvisionServiceUser', planned.id, 'CancelUserCreation'),
          },
        };
      } finally {
        await lift();
      }
    },
    expected: {
      outcome: [status, user, ...(app1 === undefined ? [] : [app1.code])].join(', '),
      attempts: {
        RequestUserCreation: givesUp ? request : request + 1,
        CancelUserCreation: givesUp ? cancel + 1 : 0,
      },
    },
  };
});

const cases: Case[] = [
  ...outageCases,
  {
    name: 'DELETE while EncryptCredentials waits for the key cancels at once, without App2',
    async run(planned) {
      const { lift } = await inject(keyUses(planned), cancellations(planned));
      try {
        await post(planned, planned.key);
        const waiting_for = await readWaitingFor(planned);
        await deprovision(planned.id);
        const states = await statesOf('RollBackProvisioning', planned.id);
        return { outcome: await readOutcome(planned), waiting_for, states };
      } finally {
        await lift();
      }
    },
    expected: {
      outcome: 'ABORTED, absent, CANCELLED',
      waiting_for: { what: 'target', step: 'EncryptCredentials', code: 'TARGET_UNAVAILABLE' },
      states: [
        'StopProvisioning',
        'CompensateTargets',
        'ChooseCompensation',
        'NothingRequested',
        'ChooseOutcome',
        'ChoosePublishedOutcome',
        'PublishProvisioningCancelled',
        'Deprovisioned',
      ],
    },
  },
  {
    name: 'DELETE while RequestUserCreation waits for App2 cancels when App2 is available again',
    async run(planned) {
      const { lift } = await inject(requests(planned), cancellations(planned));
      try {
        await post(planned, planned.key);
        await waitForRetries('ProvisionServiceUser', planned.id, 'RequestUserCreation');
        await system.deprovision(planned.id);
        await waitForRetries('RollBackProvisioning', planned.id, 'CancelUserCreation');
        const waiting_for = await readWaitingFor(planned);
        await lift();
        return { outcome: await readOutcome(planned), waiting_for };
      } finally {
        await lift();
      }
    },
    expected: {
      outcome: 'ABORTED, absent, CANCELLED',
      waiting_for: { what: 'target', step: 'CancelUserCreation', code: 'TARGET_UNAVAILABLE' },
    },
  },
];

suite('an outage of App2', cases, {
  async run({ run }, finalChecks: FinalChecks) {
    const planned = await plan();
    const observed = await run(planned);
    const broken = await violations(planned);
    const { user } = await waitForOutcome(planned.id);
    finalChecks.addProvisioning(planned, user);
    return { broken, observed };
  },
  check: ({ broken, observed }, { expected }) => {
    expect(broken).toEqual([]);
    expect(observed).toEqual(expected);
  },
  // An outage of ten minutes, and a DELETE that does not need App2.
  sample: 3,
});
