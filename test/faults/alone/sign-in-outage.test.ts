import { expect } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { attemptsDuring } from '../matrix/outages.ts';
import { statesOf, system } from '../support/deployed.ts';
import { countAttempts } from '../support/executions.ts';
import { recycle } from '../support/interventions.ts';
import { violations, waitForOutcome } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { type PlannedProvisioning, plan } from '../support/plan.ts';
import { deprovision, post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { suite } from '../support/suite.ts';

/** App2's sign-in is unavailable for all provisionings, so the cases run one after the other. */
interface Case {
  name: string;
  rule: FaultRule;
  /** Whether the caller sends a DELETE during the outage. */
  cancelled?: true;
  expected: { outcome: string; attempts?: number; states?: string[]; waitingFor?: string };
}

const signIns = { service: 'cognito-idp', operation: 'InitiateAuth' } as const;
const { request: attempts } = attemptsDuring({ seconds: 600 });

const cases: Case[] = [
  {
    name: 'the sign-in is unavailable for 10 minutes',
    rule: { ...signIns, error: { code: 'InternalErrorException', status: 500 }, times: attempts },
    expected: { outcome: 'SUCCEEDED, present', attempts: attempts + 1 },
  },
  {
    name: 'DELETE while Authenticate waits for the sign-in cancels at once, without App2',
    rule: { ...signIns, timeout_ms: 3_500 },
    cancelled: true,
    expected: {
      outcome: 'ABORTED, absent, CANCELLED',
      waitingFor: 'target, TARGET_UNAVAILABLE in Authenticate',
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
];

/** Waits until the status contains `waiting_for`. */
const readWaitingFor = ({ id }: PlannedProvisioning): Promise<string> =>
  eventually(async () => {
    const { waiting_for } = provisioningStatus.parse((await system.status(id)).body);
    if (waiting_for === undefined) throw new Error(`The status of ${id} has no waiting_for.`);
    return `${waiting_for.what}, ${waiting_for.code} in ${waiting_for.step}`;
  }, 120_000);

suite('an outage of the sign-in of App2', cases, {
  async run({ rule, cancelled }, finalChecks) {
    const planned = await plan();
    // The function must not have a cached token.
    await recycle('app1-call-target');
    const injected = await inject(rule);
    try {
      await post(planned, planned.key);
      let observed: Omit<Case['expected'], 'outcome'> = {};
      if (cancelled) {
        const waitingFor = await readWaitingFor(planned);
        await deprovision(planned.id);
        observed = { waitingFor, states: await statesOf('RollBackProvisioning', planned.id) };
      }
      const { status, user, error } = await waitForOutcome(planned.id);
      const outcome = [status, user, ...(error === undefined ? [] : [error.code])].join(', ');
      if (!cancelled)
        observed = { attempts: await countAttempts('ProvisionServiceUser', planned.id, 'Authenticate') };
      await injected.lift();
      const broken = await violations(planned);
      finalChecks.addProvisioning(planned, user);
      return { broken, observed: { outcome, ...observed } };
    } finally {
      await injected.lift();
    }
  },
  check: ({ broken, observed }, { expected }) => {
    expect(broken).toEqual([]);
    expect(observed).toEqual(expected);
  },
  sample: 2,
  schedule: inSequence,
});
