import { expect } from '@jest/globals';
import { provisioningStatus, type WaitingFor } from '../../contracts/status.ts';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import { statesOf, system } from '../e2e/support/deployed.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { kms } from './matrix/matches.ts';
import { attemptsIn, outages } from './matrix/outages.ts';
import { attemptsOf, executionEnded, retried } from './support/executions.ts';
import { type Planned, plan } from './support/known.ts';
import { endOf, violations } from './support/oracle.ts';
import { deprovision, post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type Aftermath, suite } from './support/suite.ts';

/** App2 is away while a provisioning needs it, or until somebody has had enough of waiting. */
interface Case {
  name: string;
  run: (planned: Planned) => Promise<Seen>;
  expected: Seen;
}

/** What came of it, beside the end. */
interface Seen {
  end: string;
  /** Attempts of App1's steps. */
  attempts?: Record<string, number>;
  waiting_for?: Pick<WaitingFor, 'what' | 'step' | 'code'>;
  /** States of the roll-back. */
  states?: string[];
}

const away = { error: { code: 'ServiceUnavailable', status: 503 } };

const requests = ({ id }: Planned): FaultRule => ({
  service: 'execute-api',
  operation: 'POST',
  headers: { 'Idempotency-Key': id },
  ...away,
});
const cancellations = ({ id }: Planned): FaultRule => ({
  service: 'execute-api',
  operation: 'DELETE',
  resource: `/admin/create-user/${id}`,
  ...away,
});
/** No answer, so that an attempt takes its time: somebody can come meanwhile. */
const keyUses = (planned: Planned): FaultRule => ({
  ...kms('ReEncrypt', 'SourceEncryptionContext').match(planned),
  timeout_ms: 3_500,
});

async function endSeen({ id }: Planned): Promise<string> {
  const { status, user, error } = await endOf(id, 300_000);
  return [status, user, ...(error === undefined ? [] : [error.code])].join(', ');
}

/** What the status says that it waits for, once it does. */
const waitSeen = ({ id }: Planned): Promise<Pick<WaitingFor, 'what' | 'step' | 'code'>> =>
  eventually(async () => {
    const { waiting_for } = provisioningStatus.parse((await system.status(id)).body);
    if (waiting_for === undefined) throw new Error(`${id} waits for nothing.`);
    const { what, step, code } = waiting_for;
    return { what, step, code };
  }, 120_000);

const lasting: Case[] = outages.map((outage) => {
  const { request, cancel } = attemptsIn(outage);
  const { status, user, app1 } = outage.end;
  const givesUp = cancel > 0;
  return {
    name: `App2 cannot be reached for ${outage.length}`,
    async run(planned) {
      const { lift } = await inject(
        { ...requests(planned), ...(givesUp ? {} : { times: request }) },
        ...(givesUp ? [{ ...cancellations(planned), times: cancel }] : []),
      );
      try {
        await post(planned, planned.key);
        await executionEnded('ProvisionServiceUser', planned.id);
        return {
          end: await endSeen(planned),
          attempts: {
            RequestUserCreation: await attemptsOf('ProvisionServiceUser', planned.id, 'RequestUserCreation'),
            CancelUserCreation: await attemptsOf('ProvisionServiceUser', planned.id, 'CancelUserCreation'),
          },
        };
      } finally {
        await lift();
      }
    },
    expected: {
      end: [status, user, ...(app1 === undefined ? [] : [app1.code])].join(', '),
      attempts: {
        RequestUserCreation: givesUp ? request : request + 1,
        CancelUserCreation: givesUp ? cancel + 1 : 0,
      },
    },
  };
});

const cases: Case[] = [
  ...lasting,
  {
    name: 'DELETE while EncryptCredentials waits for the key: cancelled at once, without App2',
    async run(planned) {
      const { lift } = await inject(keyUses(planned), cancellations(planned));
      try {
        await post(planned, planned.key);
        const waiting_for = await waitSeen(planned);
        await deprovision(planned.id);
        const states = await statesOf('RollBackProvisioning', planned.id);
        return { end: await endSeen(planned), waiting_for, states };
      } finally {
        await lift();
      }
    },
    expected: {
      end: 'ABORTED, absent, CANCELLED',
      waiting_for: { what: 'target', step: 'EncryptCredentials', code: 'TARGET_UNAVAILABLE' },
      states: [
        'StopProvisioning',
        'ChooseCompensation',
        'ChoosePublishedOutcome',
        'PublishProvisioningCancelled',
        'Deprovisioned',
      ],
    },
  },
  {
    name: 'DELETE while RequestUserCreation waits for App2: cancelled when App2 is back',
    async run(planned) {
      const { lift } = await inject(requests(planned), cancellations(planned));
      try {
        await post(planned, planned.key);
        await retried('ProvisionServiceUser', planned.id, 'RequestUserCreation');
        await system.deprovision(planned.id);
        await retried('RollBackProvisioning', planned.id, 'CancelUserCreation');
        const waiting_for = await waitSeen(planned);
        await lift();
        return { end: await endSeen(planned), waiting_for };
      } finally {
        await lift();
      }
    },
    expected: {
      end: 'ABORTED, absent, CANCELLED',
      waiting_for: { what: 'target', step: 'CancelUserCreation', code: 'TARGET_UNAVAILABLE' },
    },
  },
];

suite('App2 is away', cases, {
  async run({ run }, aftermath: Aftermath) {
    const planned = await plan();
    const seen = await run(planned);
    const broken = await violations(planned);
    const { user } = await endOf(planned.id);
    aftermath.ended(planned, user);
    return { broken, seen };
  },
  check: ({ broken, seen }, { expected }) => {
    expect(broken).toEqual([]);
    expect(seen).toEqual(expected);
  },
  // Ten minutes, and a DELETE that needs no App2.
  sample: 3,
});
