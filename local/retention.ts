import * as z from 'zod';
import { CommandError } from '../cli/support/command-error.ts';

/** The response of the local AWS if it deletes no record (corrections/stepfunctions_retention.py). */
const refusal = z.object({ unknown: z.array(z.string()), running: z.array(z.string()) });

/**
 * Deletes the records of finished executions from a running local AWS, as AWS does after 90 days: afterwards they do not
 * exist, and their names can be used again. Deletes all of them or none.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (execution history retention time)
 * @throws CommandError when one of them is running or unknown, or the local AWS does not respond
 */
export async function forgetExecutions(endpoint: string, executionArns: readonly string[]): Promise<void> {
  const response = await fetch(`${endpoint}/_local_aws/forget-execution`, {
    method: 'POST',
    body: JSON.stringify({ executionArns }),
  }).catch(() => {
    throw new CommandError(
      `The local AWS does not respond at ${endpoint}, so no record was deleted.`,
      'Start it with `npm run up`; it starts without executions.',
    );
  });
  if (response.ok) return;
  if (response.status !== 409)
    throw new Error(`forget-execution: HTTP ${response.status}: ${await response.text()}`);
  throw refusalError(refusal.parse(await response.json()));
}

function refusalError({ unknown, running }: z.infer<typeof refusal>): CommandError {
  const reasons = [
    ...running.map(
      (arn) => `${arn} is running; AWS deletes a record 90 days after the execution has finished.`,
    ),
    ...unknown.map((arn) => `There is no execution ${arn}.`),
  ];
  const remedies = [
    ...(running.length === 0 ? [] : ['Wait until it has finished, or stop it.']),
    ...(unknown.length === 0
      ? []
      : [
          'The ARN of an execution is that of its state machine in outputs.json, with `execution` instead of ' +
            '`stateMachine`, then `:` and its name, which is the provisioning_id.',
        ]),
  ];
  return new CommandError(`No record was deleted.\n${reasons.join('\n')}`, remedies.join(' '));
}
