import { provisioningStatus } from '../../../contracts/status.ts';
import type { FaultRule } from '../../../local/faults/rules.ts';
import type { Machine } from '../../../local/system.ts';
import { system } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { attempts, execution } from '../support/executions.ts';
import { type Planned, plan } from '../support/known.ts';
import { endOf, violations } from '../support/oracle.ts';
import { post, problemCode, statusAtApp2 } from '../support/provisioning.ts';
import { type Injected, inject } from '../support/proxy.ts';
import { sweepSoon } from '../support/sweeps.ts';
import type { Call } from './calls.ts';
import { effectOf, repetitions } from './faults.ts';
import type { Row, Told } from './table.ts';

/** What came of a row, in the words of its outcome. */
export interface Observed {
  planned: Planned;
  status: string;
  user: string;
  app1?: Told;
  app2?: Told;
  refused?: string;
  /** Whether the fault was met at all; a row whose fault is not met shows nothing. */
  fired: boolean;
  violations: string[];
}

/** Runs one row from the request to the end, and asks the oracle. */
export async function run({ call, fault, repetition, outcome }: Row): Promise<Observed> {
  const planned = await plan();
  const begin = async (): Promise<Injected> => {
    const times = repetitions[repetition];
    const rule: FaultRule = {
      ...call.match(planned),
      ...effectOf(fault, call),
      ...(times === undefined ? {} : { times }),
    };
    // The first rule that matches decides: this one lets the calls before through.
    const before = { ...call.match(planned), latency: 0, times: call.after ?? 0 };
    return call.after === undefined ? inject(rule) : inject(before, rule);
  };
  const injected = call.flow === 'deprovision' ? await afterProvisioning(planned, begin) : await begin();
  try {
    const scenario = call.flow === 'undo' ? await inject(refusedGroup(planned)) : undefined;
    const request =
      call.flow === 'deprovision' ? () => system.deprovision(planned.id) : () => post(planned, planned.key);
    const first = await request();
    const refused = problemCode(first);
    if (outcome.afterwards) {
      if (refused === undefined) await givenUp(call, planned.id);
      await injected.lift();
    }
    if (refused !== undefined)
      await eventually(async () => {
        const { status, body } = await request();
        if (status >= 400) throw new Error(`App1 still refuses: ${JSON.stringify(body)}`);
      }, 60_000);
    if (outcome.afterwards && refused === undefined) await sweepSoon();
    // Looking at the status makes calls that look like those of some rows.
    await ended(call.flow === 'deprovision' ? 'RollBackProvisioning' : 'ProvisionServiceUser', planned.id);
    const broken = await violations(planned, { within: 300_000 });
    const status = await endOf(planned.id);
    await scenario?.lift();
    const app2 = provisioningStatus.safeParse((await statusAtApp2(planned.id)).body).data?.error;
    return {
      planned,
      status: status.status,
      user: status.user,
      ...(status.error === undefined ? {} : { app1: told(status.error) }),
      ...(app2 === undefined ? {} : { app2: told(app2) }),
      ...(refused === undefined ? {} : { refused }),
      fired: await injected.allFired(),
      violations: broken,
    };
  } finally {
    await injected.lift();
  }
}

const told = ({ step, code }: Told): Told => ({ step, code });

async function afterProvisioning(planned: Planned, begin: () => Promise<Injected>): Promise<Injected> {
  await eventually(async () => {
    const { status } = await post(planned, planned.key);
    if (status !== 202) throw new Error(`App1 answered with ${status}.`);
  }, 60_000);
  await ended('ProvisionServiceUser', planned.id);
  return begin();
}

const refusedGroup = ({ sub }: Planned): FaultRule => ({
  service: 'cognito-idp',
  operation: 'AdminAddUserToGroup',
  body: `Username == '${sub}'`,
  error: { code: 'AccessDeniedException', status: 400 },
});

/** Waits until an undo has been tried for as long as it is, in line and by the first roll-back. */
async function givenUp(call: Call, id: string): Promise<void> {
  const machine =
    call.service === 'app1' || call.by === 'cancel-user-creation'
      ? 'RollBackProvisioning'
      : 'RollBackServiceUser';
  await eventually(
    async () => {
      const [first] = await attempts(machine, id);
      if (first?.status !== 'FAILED') throw new Error(`${machine} ${id} is ${first?.status ?? 'not there'}.`);
    },
    400_000,
    300,
  );
}

async function ended(machine: Machine, id: string): Promise<void> {
  await eventually(
    async () => {
      const { status = 'not there' } = (await execution(machine, id)) ?? {};
      if (status === 'RUNNING' || status === 'not there') throw new Error(`${machine} ${id} is ${status}.`);
    },
    400_000,
    300,
  );
}
