import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeExecutionCommand, GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../local-aws/support/eventually.ts';
import { formsOf } from '../support/secret-forms.ts';
import { newRequest, outputs, provision, system } from './support/deployed.ts';

/** Everything about a provisioning that is kept where people can read it. */
async function readablePlaces(id: string): Promise<string> {
  const { stepFunctions, logs } = system.clients;
  const machines = [outputs.app1.state_machine_arn, outputs.app2.state_machine_arn];
  const executions = await Promise.all(
    machines.flatMap((machine) => {
      const executionArn = `${machine.replace(':stateMachine:', ':execution:')}:${id}`;
      return [
        stepFunctions.send(new DescribeExecutionCommand({ executionArn })),
        stepFunctions.send(
          new GetExecutionHistoryCommand({ executionArn, includeExecutionData: true, maxResults: 1000 }),
        ),
      ];
    }),
  );
  const written = await Promise.all(
    [...outputs.app1.log_groups, ...outputs.app2.log_groups].map((logGroupName) =>
      logs.send(new FilterLogEventsCommand({ logGroupName, limit: 10_000 })),
    ),
  );
  return JSON.stringify([executions, written.map(({ events }) => events)]);
}

describe('a password', () => {
  it.each([
    ['that is accepted', 'C4nary-Accepted-Zq7!x'],
    ['that is rejected', 'canary-rejected-zq7'],
  ])('%s is nowhere in executions, logs and events', async (_, password) => {
    const { provisioning_id, username = '' } = await provision(newRequest({ password }));
    const places = await eventually(async () => {
      const read = await readablePlaces(provisioning_id);
      // What is looked through holds this provisioning, to its last event.
      expect(read).toContain(username);
      expect(read).toMatch(/ServiceUserProvision(ed|ingFailed)/);
      return read;
    });
    for (const form of formsOf(password)) expect(places).not.toContain(form);
  });

  it('would be found if it were there', () => {
    const secret = 'C4nary-Accepted-Zq7!x';
    for (const around of ['', 'a', 'ab'])
      expect(
        formsOf(secret).some((form) => Buffer.from(`${around}${secret}yz`).toString('base64').includes(form)),
      ).toBe(true);
  });
});
