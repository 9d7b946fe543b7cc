import { sourceOf } from '../../../contracts/events/catalogue.ts';
import { APP1, type ServiceKind } from '../../../contracts/services.ts';
import { app1Names, targetNames } from '../../../infra/names.ts';
import type { FaultMatch } from '../../../local/harness/faults/rules.ts';
import type { Machine } from '../../../local/system.ts';

/** Conditions by which the fault proxy recognises the calls of one provisioning, at App1 and at one target. */

/** Identifiers of a provisioning that are known before it starts, so that rules match its calls only. */
export interface ProvisioningIdentifiers {
  id: string;
  username: string;
  /** The `sub` of the user that the provisioning will create at the target. */
  sub: string;
  /** The message that start-provisioning passes to GenerateMac, in base64. */
  macMessage: string;
  /** Id of another provisioning of the same username, if the case starts one. */
  rival: string;
  /** Name of the target whose calls the conditions match. */
  target: string;
  /** Its user pool, the path of its API, the client and the secret with which App1 signs in there. */
  userPoolId: string;
  apiPath: string;
  clientId: string;
  secretArn: string;
}

/** A condition on calls, for a provisioning with these identifiers. */
export interface Match {
  match: (identifiers: ProvisioningIdentifiers) => FaultMatch;
}

export const text = (value: string): string => `'${value}'`;

/** App1's encryption under its own key. */
export const intakeEncryption: Match = {
  match: ({ id }) => ({
    service: 'kms',
    operation: 'Encrypt',
    body: `EncryptionContext.provisioning_id == ${text(id)}`,
  }),
};
/** The uses of the target's key. */
export const targetKey = (operation: 'ReEncrypt' | 'Decrypt'): Match => {
  const context = operation === 'ReEncrypt' ? 'DestinationEncryptionContext' : 'EncryptionContext';
  return {
    match: ({ id, target }) => ({
      service: 'kms',
      operation,
      body: `${context}.provisioning_id == ${text(id)} && ${context}.target == ${text(target)}`,
    }),
  };
};
/** App1's requests to the target. */
export const targetRequests = {
  POST: {
    match: ({ id, apiPath }) => ({
      service: 'execute-api',
      operation: 'POST',
      resource: `${apiPath}/admin/create-user`,
      headers: { 'Idempotency-Key': id },
    }),
  },
  DELETE: {
    match: ({ id, apiPath }) => ({
      service: 'execute-api',
      operation: 'DELETE',
      resource: `${apiPath}/admin/create-user/${id}`,
    }),
  },
} as const satisfies Record<string, Match>;
export const cognito = (operation: string, address: 'username' | 'sub'): Match => ({
  match: (identifiers) => ({
    service: 'cognito-idp',
    operation,
    body: `Username == ${text(identifiers[address])} && UserPoolId == ${text(identifiers.userPoolId)}`,
  }),
});
/** Name of the state machine of a workflow. */
function stateMachineOf(workflow: Machine, target: string): string {
  const { createServiceUser, rollBackServiceUser } = targetNames(target);
  return {
    ProvisionServiceUser: app1Names.provisionServiceUser,
    RollBackProvisioning: app1Names.rollBackProvisioning,
    CreateServiceUser: createServiceUser,
    RollBackServiceUser: rollBackServiceUser,
  }[workflow];
}

/** The name of a roll-back contains the generation, which is not known before. The conditions match its first attempt. */
const isRollBack = (machine: Machine): boolean => machine.startsWith('RollBack');

export const starts = (machine: Machine): Match => ({
  match: ({ id, target }) => ({
    service: 'stepfunctions',
    operation: 'StartExecution',
    body: `ends_with(stateMachineArn, ':${stateMachineOf(machine, target)}') && ${
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
      ? `contains(executionArn, ':${stateMachineOf(machine, identifiers.target)}:${identifiers[of]}.') && ends_with(executionArn, '.1')`
      : `ends_with(executionArn, ':${stateMachineOf(machine, identifiers.target)}:${identifiers[of]}')`,
  }),
});
export const describes = (machine: Machine, of: 'id' | 'rival' = 'id') =>
  onExecution('DescribeExecution', machine, of);
export const publishes = (service: ServiceKind, event: string): Match => ({
  match: ({ id, target }) => ({
    service: 'events',
    operation: 'PutEvents',
    body: [
      `Entries[0].DetailType == ${text(event)}`,
      `Entries[0].Source == ${text(sourceOf(service === 'app1' ? APP1 : target))}`,
      `contains(Entries[0].Detail, ${text(id)})`,
    ].join(' && '),
  }),
});
