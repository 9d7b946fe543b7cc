import { app1Names } from '../../../infra/names.ts';
import type { FaultMatch } from '../../../local/harness/faults/rules.ts';
import type { Machine } from '../../../local/system.ts';
import { names } from '../support/target.ts';

/** Conditions by which the fault proxy recognises the calls of one provisioning. */

/** Identifiers of a provisioning that are known before it starts, so that rules match its calls only. */
export interface ProvisioningIdentifiers {
  id: string;
  username: string;
  /** The `sub` of the user that the provisioning will create. */
  sub: string;
  /** The message that start-provisioning passes to GenerateMac, in base64. */
  macMessage: string;
  /** Id of another provisioning of the same username, if the case starts one. */
  rival: string;
}

/** A condition on calls, for a provisioning with these identifiers. */
export interface Match {
  match: (identifiers: ProvisioningIdentifiers) => FaultMatch;
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
  match: (identifiers) => ({
    service: 'cognito-idp',
    operation,
    body: `Username == ${text(identifiers[address])}`,
  }),
});
/** Name of the state machine of a workflow. */
const stateMachineOf = (workflow: Machine): string =>
  ({
    ProvisionServiceUser: app1Names.provisionServiceUser,
    RollBackProvisioning: app1Names.rollBackProvisioning,
    CreateServiceUser: names.createServiceUser,
    RollBackServiceUser: names.rollBackServiceUser,
  })[workflow];

/** The name of a roll-back contains the generation, which is not known before. The conditions match its first attempt. */
const isRollBack = (machine: Machine): boolean => machine.startsWith('RollBack');

export const starts = (machine: Machine): Match => ({
  match: ({ id }) => ({
    service: 'stepfunctions',
    operation: 'StartExecution',
    body: `ends_with(stateMachineArn, ':${stateMachineOf(machine)}') && ${
      isRollBack(machine)
        ? `starts_with(name, ${text(`${id}.`)}) && ends_with(name, '.1')`
        : `name == ${text(id)}`
    }`,
  }),
});
export const onExecution = (
  operation: 'DescribeExecution' | 'GetExecutionHistory' | 'StopExecution',
  machine: Machine,
  of: 'id' | 'rival' = 'id',
): Match => ({
  match: (identifiers) => ({
    service: 'stepfunctions',
    operation,
    body: isRollBack(machine)
      ? `contains(executionArn, ':${stateMachineOf(machine)}:${identifiers[of]}.') && ends_with(executionArn, '.1')`
      : `ends_with(executionArn, ':${stateMachineOf(machine)}:${identifiers[of]}')`,
  }),
});
export const describes = (machine: Machine, of: 'id' | 'rival' = 'id') =>
  onExecution('DescribeExecution', machine, of);
export const publishes = (event: string): Match => ({
  match: ({ id }) => ({
    service: 'events',
    operation: 'PutEvents',
    body: `Entries[0].DetailType == ${text(event)} && contains(Entries[0].Detail, ${text(id)})`,
  }),
});
