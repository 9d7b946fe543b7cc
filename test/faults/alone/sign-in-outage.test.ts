import { expect } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { statesOf, system } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { attemptsIn } from '../matrix/outages.ts';
import { attemptsOf } from '../support/executions.ts';
import { recycle } from '../support/interventions.ts';
import { type Planned, plan } from '../support/known.ts';
import { endOf, violations } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { deprovision, post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { suite } from '../support/suite.ts';

/** App2's sign-in is away: for all provisionings, so that nothing runs beside a case. */
interface Case {
  name: string;
  rule: FaultRule;
  /** Whether the caller has had enough of waiting. */
  cancelled?: true;
  expected: { end: string; attempts?: number; states?: string[]; waits?: string };
}

const signIns = { service: 'cognito-idp', operation: 'InitiateAuth' } as const;
const { request: attempts } = attemptsIn({ seconds: 600 });

const cases: Case[] = [
  {
    name: 'the sign-in cannot be reached for 10 minutes',
    rule: { ...signIns, error: { code: 'InternalErrorException', status: 500 }, times: attempts },
    expected: { end: 'SUCCEEDED, present', attempts: attempts + 1 },
  },
  {
    name: 'DELETE while Authenticate waits for the sign-in: cancelled at once, without App2',
    rule: { ...signIns, timeout_ms: 3_500 },
    cancelled: true,
    expected: {
      end: 'ABORTED, absent, CANCELLED',
      waits: 'target, TARGET_UNAVAILABLE in Authenticate',
      states: [
        'StopProvisioning',
        'ChooseCompensation',
        'ChoosePublishedOutcome',
        'PublishProvisioningCancelled',
        'Deprovisioned',
      ],
    },
  },
];

/** What the status says that it waits for, once it does. */
const waitSeen = ({ id }: Planned): Promise<string> =>
  eventually(async () => {
    const { waiting_for } = provisioningStatus.parse((await system.status(id)).body);
    if (waiting_for === undefined) throw new Error(`${id} waits for nothing.`);
    return `${waiting_for.what}, ${waiting_for.code} in ${waiting_for.step}`;
  }, 120_000);

suite('the sign-in of App2 is away', cases, {
  async run({ rule, cancelled }, aftermath) {
    const planned = await plan();
    // Nothing is remembered.
    await recycle('app1-call-app2');
    const injected = await inject(rule);
    try {
      await post(planned, planned.key);
      let seen: Omit<Case['expected'], 'end'> = {};
      if (cancelled) {
        const waits = await waitSeen(planned);
        await deprovision(planned.id);
        seen = { waits, states: await statesOf('RollBackProvisioning', planned.id) };
      }
      const { status, user, error } = await endOf(planned.id);
      const end = [status, user, ...(error === undefined ? [] : [error.code])].join(', ');
      if (!cancelled)
        seen = { attempts: await attemptsOf('ProvisionServiceUser', planned.id, 'Authenticate') };
      await injected.lift();
      const broken = await violations(planned);
      aftermath.ended(planned, user);
      return { broken, seen: { end, ...seen } };
    } finally {
      await injected.lift();
    }
  },
  check: ({ broken, seen }, { expected }) => {
    expect(broken).toEqual([]);
    expect(seen).toEqual(expected);
  },
  sample: 2,
  schedule: inSequence,
});
