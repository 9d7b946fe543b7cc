import * as z from 'zod';
import { provisioningStatus } from '../../../contracts/status.ts';
import type { FaultCount, FaultEffect } from '../../../local/harness/faults/rules.ts';
import { logLines } from '../../e2e/support/log-lines.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { system } from '../support/deployed.ts';
import {
  waitForFailedRollBack,
  waitForRetries,
  waitForState,
  waitUntilFinished,
} from '../support/executions.ts';
import { provision } from '../support/interruption-points.ts';
import { interventions } from '../support/interventions.ts';
import { violations, waitForOutcome } from '../support/oracle.ts';
import { type PlannedProvisioning, plan, rivalKey } from '../support/plan.ts';
import { post, postOnce, problemCode, statusAtTarget } from '../support/provisioning.ts';
import { type InjectedFaults, inject } from '../support/proxy.ts';
import { runSweepsSoon } from '../support/sweeps.ts';
import { provisionedTargets } from '../support/target.ts';
import type { Call } from './calls.ts';
import { effectOf, repetitions } from './faults.ts';
import { flowOf } from './flows.ts';
import type { Outcome, StepError } from './outcome.ts';
import type { Row } from './table.ts';

/** Observed outcome of a row. */
export interface Observed {
  planned: PlannedProvisioning;
  status: string;
  user: string;
  app1?: StepError;
  app2?: StepError;
  refused?: string;
  /** Whether the fault occurred; without it, the row tests nothing. */
  fired: boolean;
  violations: string[];
}

/** Runs one row from the request to the outcome, and checks the invariants. */
export function run({ call, fault, repetition, outcome }: Row): Promise<Observed> {
  const times = repetitions[repetition];
  return injectFault(call, {
    rule: { ...effectOf(fault, call), ...(times === undefined ? {} : { times }) },
    requiresFaultEnd: outcome.requiresFaultEnd,
    ...(outcome.retryingState === undefined ? {} : { retryingState: outcome.retryingState }),
    rollBackLater: call.caller === 'event rule' && repetition !== 'once',
  });
}

/** A fault, and the steps of the case after it. */
interface Injection {
  /** Effect on the call, and how often. */
  rule: FaultEffect & FaultCount;
  /** Whether the outcome is reached only after the fault. */
  requiresFaultEnd?: boolean;
  /** The state that retries until the fault ends. */
  retryingState?: NonNullable<Outcome['retryingState']>;
  rollBackLater?: boolean;
  /** Names of the targets; by default those at which the cases of the file provision users. */
  targets?: readonly string[];
  /** Runs after the rule is in effect, at the same time as the request. */
  meanwhile?: (planned: PlannedProvisioning, injected: InjectedFaults) => Promise<void>;
}

/** Runs the flow that leads to a call, injects a fault there, and checks the invariants. */
export async function injectFault(
  call: Call,
  {
    rule,
    requiresFaultEnd = false,
    retryingState,
    rollBackLater = false,
    targets = provisionedTargets,
    meanwhile,
  }: Injection,
): Promise<Observed> {
  const planned = await plan({ targets });
  const flow = flowOf(call.flow);
  const deletes = flow.deprovisions === true || flow.cancels === true;
  if (flow.deprovisions) await provision(planned);
  if (flow.rival) await provision(rivalOf(planned));
  const given = await inject(...(flow.given?.(planned) ?? []), ...(call.given?.(planned) ?? []));
  if (flow.repeats || flow.cancels) await post(planned, planned.key);
  if (flow.cancels) await waitForState('CreateServiceUser', planned.id, 'DecryptCredentials');
  const injected = await inject({ ...call.match(planned), ...rule });
  try {
    const meanwhileDone = meanwhile?.(planned, injected);
    const request = () => (deletes ? system.deprovision(planned.id) : postOnce(planned, planned.key));
    const first = await request();
    const isRefused = first.status >= 400;
    if (flow.stops !== undefined) {
      await given.waitUntilFired();
      await interventions.stop(flow.stops, planned.id);
    }
    await meanwhileDone;
    if (requiresFaultEnd) {
      if (call.caller === 'event rule') await injected.waitUntilFired();
      else if (!isRefused) await waitForExhaustedRetries(call, planned.id);
      await injected.lift();
    }
    if (retryingState !== undefined) {
      await waitForRetries(
        deletes ? 'RollBackProvisioning' : 'ProvisionServiceUser',
        planned.id,
        retryingState,
      );
      await injected.lift();
    }
    if (isRefused)
      await eventually(async () => {
        const { status, body } = await request();
        if (status >= 400) throw new Error(`App1 still rejects the request: ${JSON.stringify(body)}`);
      }, 60_000);
    if (requiresFaultEnd && !isRefused) await runSweepsSoon();
    await waitUntilFinished(deletes ? 'RollBackProvisioning' : 'ProvisionServiceUser', planned.id);
    const broken = await violations(planned, { within: 300_000, rollBackLater });
    const status = await waitForOutcome(planned.id);
    const app2 = provisioningStatus.safeParse((await statusAtTarget(planned.id)).body).data?.error;
    const code = problemCode(first);
    const refused =
      code !== undefined && rule.times === 1 && (await timedOutTwice(call, planned.id)) ? undefined : code;
    return {
      planned,
      status: status.status,
      user: status.user,
      ...(status.error === undefined ? {} : { app1: stepErrorOf(status.error) }),
      ...(app2 === undefined ? {} : { app2: stepErrorOf(app2) }),
      ...(refused === undefined ? {} : { refused }),
      fired: await injected.allFired(),
      violations: broken,
    };
  } finally {
    await given.lift();
    await injected.lift();
  }
}

/** Log line of a function whose second attempt of a call timed out, too. */
const secondTimeout = z.object({
  provisioning_id: z.string(),
  reason: z.string().startsWith('TimeoutError'),
  attempts: z.literal(2),
});

/**
 * Whether the request was rejected because the second attempt of a call timed out, too. A fault that is injected once
 * affects the first attempt only. The second one times out when the computer is under load, which is not a finding.
 */
async function timedOutTwice({ functionName }: Call, id: string): Promise<boolean> {
  if (functionName === undefined) return false;
  return (await logLines(functionName, id)).some((line) => secondTimeout.safeParse(line).success);
}

/** Another provisioning of the same username, at the target with the fault only. */
const rivalOf = (planned: PlannedProvisioning): PlannedProvisioning => ({
  ...planned,
  targets: [planned.target],
  id: planned.rival,
  key: rivalKey(planned.key),
});

const stepErrorOf = ({ step, code }: StepError): StepError => ({ step, code });

/** Waits until the compensation, and the first roll-back after it, have used up their retries. */
const waitForExhaustedRetries = (call: Call, id: string): Promise<void> =>
  waitForFailedRollBack(
    call.service === 'app1' || call.by === 'cancel-user-creation'
      ? 'RollBackProvisioning'
      : 'RollBackServiceUser',
    id,
  );
