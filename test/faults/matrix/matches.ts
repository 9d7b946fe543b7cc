import type { FaultMatch } from '../../../local/harness/faults/rules.ts';

/** How the fault proxy tells the calls of one provisioning from those of all others. */

/** What of a provisioning is known before it begins, so that rules can be about it alone. */
export interface Known {
  id: string;
  username: string;
  /** The `sub` of the user that will be made. */
  sub: string;
  /** Base64 of what GenerateMac is asked about. */
  macMessage: string;
  /** Another provisioning of the same username, if the case begins one. */
  rival: string;
}

/** Which call it is, given what is known of a provisioning. */
export interface Match {
  match: (known: Known) => FaultMatch;
}

export const text = (value: string): string => `'${value}'`;

export const kms = (operation: string, context: string): Match => ({
  match: ({ id }) => ({
    service: 'kms',
    operation,
    body: `${context}.provisioning_id == ${text(id)}`,
  }),
});
export const cognito = (operation: string, address: 'username' | 'sub'): Match => ({
  match: (known) => ({
    service: 'cognito-idp',
    operation,
    body: `Username == ${text(known[address])}`,
  }),
});
/** Of a roll-back the generation in the middle of its name is not foreseen; these are about its first attempt. */
const isRollBack = (machine: string): boolean => machine.startsWith('RollBack');

export const starts = (machine: string): Match => ({
  match: ({ id }) => ({
    service: 'stepfunctions',
    operation: 'StartExecution',
    body: `ends_with(stateMachineArn, ':${machine}') && ${
      isRollBack(machine)
        ? `starts_with(name, ${text(`${id}.`)}) && ends_with(name, '.1')`
        : `name == ${text(id)}`
    }`,
  }),
});
export const onExecution = (
  operation: 'DescribeExecution' | 'GetExecutionHistory' | 'StopExecution',
  machine: string,
  of: 'id' | 'rival' = 'id',
): Match => ({
  match: (known) => ({
    service: 'stepfunctions',
    operation,
    body: isRollBack(machine)
      ? `contains(executionArn, ':${machine}:${known[of]}.') && ends_with(executionArn, '.1')`
      : `ends_with(executionArn, ':${machine}:${known[of]}')`,
  }),
});
export const describes = (machine: string, of: 'id' | 'rival' = 'id') =>
  onExecution('DescribeExecution', machine, of);
export const publishes = (event: string): Match => ({
  match: ({ id }) => ({
    service: 'events',
    operation: 'PutEvents',
    body: `Entries[0].DetailType == ${text(event)} && contains(Entries[0].Detail, ${text(id)})`,
  }),
});
