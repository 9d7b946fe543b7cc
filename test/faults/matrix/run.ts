import * as z from 'zod';
import { provisioningStatus } from '../../../contracts/status.ts';
import type { FaultCount, FaultEffect } from '../../../local/harness/faults/rules.ts';
import { system } from '../../e2e/support/deployed.ts';
import { logLines } from '../../e2e/support/log-lines.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { entered, executionEnded, retried, rollBackFailed } from '../support/executions.ts';
import { interventions } from '../support/interventions.ts';
import { type Planned, plan, rivalKey } from '../support/known.ts';
import { endOf, violations } from '../support/oracle.ts';
import { provisioned } from '../support/places.ts';
import { post, postOnce, problemCode, statusAtApp2 } from '../support/provisioning.ts';
import { type Injected, inject } from '../support/proxy.ts';
import { sweepSoon } from '../support/sweeps.ts';
import type { Call } from './calls.ts';
import { effectOf, repetitions } from './faults.ts';
import { flowOf } from './flows.ts';
import type { Outcome, Told } from './outcome.ts';
import type { Row } from './table.ts';

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
export function run({ call, fault, repetition, outcome }: Row): Promise<Observed> {
  const times = repetitions[repetition];
  return follow(call, {
    rule: { ...effectOf(fault, call), ...(times === undefined ? {} : { times }) },
    afterwards: outcome.afterwards,
    ...(outcome.waits === undefined ? {} : { waits: outcome.waits }),
    rollBackLater: call.caller === 'watch' && repetition !== 'once',
  });
}

/** What is done to a call on its way. */
interface Disturbance {
  /** What happens to the call. */
  rule: FaultEffect & FaultCount;
  /** Whether the end is reached only when the fault is over. */
  afterwards?: boolean;
  /** The state that waits the fault out until it is over. */
  waits?: NonNullable<Outcome['waits']>;
  rollBackLater?: boolean;
  /** What somebody does meanwhile, once the rule is there. */
  meanwhile?: (planned: Planned, injected: Injected) => Promise<void>;
}

/** Follows a provisioning on the way that leads to a call, disturbs it there, and asks the oracle. */
export async function follow(
  call: Call,
  { rule, afterwards = false, waits, rollBackLater = false, meanwhile }: Disturbance,
): Promise<Observed> {
  const planned = await plan();
  const flow = flowOf(call.flow);
  const deletes = flow.deprovisions === true || flow.cancels === true;
  if (flow.deprovisions) await provisioned(planned);
  if (flow.rival) await provisioned(rivalOf(planned));
  const given = await inject(...(flow.given?.(planned) ?? []), ...(call.given?.(planned) ?? []));
  if (flow.repeats || flow.cancels) await post(planned, planned.key);
  if (flow.cancels) await entered('CreateServiceUser', planned.id, 'DecryptCredentials');
  const injected = await inject({ ...call.match(planned), ...rule });
  try {
    const disturbed = meanwhile?.(planned, injected);
    const request = () => (deletes ? system.deprovision(planned.id) : postOnce(planned, planned.key));
    const first = await request();
    const isRefused = first.status >= 400;
    if (flow.stops !== undefined) {
      await given.met();
      await interventions.stop(flow.stops, planned.id);
    }
    await disturbed;
    if (afterwards) {
      if (call.caller === 'watch') await injected.met();
      else if (!isRefused) await givenUp(call, planned.id);
      await injected.lift();
    }
    if (waits !== undefined) {
      await retried(deletes ? 'RollBackProvisioning' : 'ProvisionServiceUser', planned.id, waits);
      await injected.lift();
    }
    if (isRefused)
      await eventually(async () => {
        const { status, body } = await request();
        if (status >= 400) throw new Error(`App1 still refuses: ${JSON.stringify(body)}`);
      }, 60_000);
    if (afterwards && !isRefused) await sweepSoon();
    await executionEnded(deletes ? 'RollBackProvisioning' : 'ProvisionServiceUser', planned.id);
    const broken = await violations(planned, { within: 300_000, rollBackLater });
    const status = await endOf(planned.id);
    const app2 = provisioningStatus.safeParse((await statusAtApp2(planned.id)).body).data?.error;
    const code = problemCode(first);
    const refused =
      code !== undefined && rule.times === 1 && (await ranOutOfTime(call, planned.id)) ? undefined : code;
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
    await given.lift();
    await injected.lift();
  }
}

/** What a function logs of a call that had no answer in time, in its second attempt. */
const unansweredTwice = z.object({
  provisioning_id: z.string(),
  reason: z.string().startsWith('TimeoutError'),
  attempts: z.literal(2),
});

/**
 * Whether the request was refused because the second attempt of a call had no answer in time either. A fault that was
 * injected once meets the first attempt only; the second one is late when the machine is busy, and that is no finding.
 */
async function ranOutOfTime({ functionName }: Call, id: string): Promise<boolean> {
  if (functionName === undefined) return false;
  return (await logLines(functionName, id)).some((line) => unansweredTwice.safeParse(line).success);
}

/** Another provisioning of the same username. */
const rivalOf = (planned: Planned): Planned => ({
  ...planned,
  id: planned.rival,
  key: rivalKey(planned.key),
});

const told = ({ step, code }: Told): Told => ({ step, code });

/** Waits until an undo has been tried for as long as it is, in line and by the first roll-back. */
const givenUp = (call: Call, id: string): Promise<void> =>
  rollBackFailed(
    call.service === 'app1' || call.by === 'cancel-user-creation'
      ? 'RollBackProvisioning'
      : 'RollBackServiceUser',
    id,
  );
