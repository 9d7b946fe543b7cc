import { DescribeStateMachineCommand, UpdateStateMachineCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { outputs } from '../../e2e/support/deployed.ts';
import { denyCalls } from '../support/call-rules.ts';
import { statesOf, system } from '../support/deployed.ts';
import { twoTargets } from '../support/iteration-points.ts';
import { violations, waitForOutcome } from '../support/oracle.ts';
import { plan } from '../support/plan.ts';
import { post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';

/** The part of the definition with the state in which an iteration fails. */
const definition = z.looseObject({
  States: z.looseObject({
    ProvisionTargets: z.looseObject({
      ItemProcessor: z.looseObject({ States: z.looseObject({ TargetFailed: z.looseObject({}) }) }),
    }),
  }),
});

/** Runs a function while each iteration that fails has an error whose Cause is free text. */
async function withOtherErrors(run: () => Promise<unknown>): Promise<void> {
  const { stepFunctions } = system.clients;
  const { state_machine_arn: stateMachineArn } = outputs.app1;
  const present = await stepFunctions.send(new DescribeStateMachineCommand({ stateMachineArn }));
  const changed = definition.parse(JSON.parse(present.definition ?? ''));
  Object.assign(changed.States.ProvisionTargets.ItemProcessor.States.TargetFailed, {
    Error: 'AnotherError',
    Cause: 'The iteration failed.',
  });
  const update = (text = '') =>
    stepFunctions.send(new UpdateStateMachineCommand({ stateMachineArn, definition: text }));
  await update(JSON.stringify(changed));
  try {
    await run();
  } finally {
    await update(present.definition);
  }
}

describe('an iteration that fails with another error', () => {
  it('is compensated at every target in the same execution', async () => {
    const planned = await plan({ targets: twoTargets });
    const denials = await inject(denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup')(planned));
    await withOtherErrors(() => post(planned, planned.key));

    const { status, error } = await waitForOutcome(planned.id);

    expect({ status, step: error?.step }).toEqual({ status: 'FAILED', step: 'ProvisionTargets' });
    expect(await statesOf('ProvisionServiceUser', planned.id)).toContain('PublishProvisioningFailed');
    expect(await violations(planned)).toEqual([]);

    await denials.lift();
  });
});
