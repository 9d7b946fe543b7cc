import type { Machine } from '../../../local/system.ts';
import { outputs } from '../../e2e/support/deployed.ts';

const arns: Record<Machine, string> = {
  ProvisionServiceUser: outputs.app1.state_machine_arn,
  RollBackProvisioning: outputs.app1.roll_back_state_machine_arn,
  CreateServiceUser: outputs.app2.state_machine_arn,
  RollBackServiceUser: outputs.app2.roll_back_state_machine_arn,
};

export const machineArn = (machine: Machine): string => arns[machine];

export const executionArn = (machine: Machine, name: string): string =>
  `${arns[machine].replace(':stateMachine:', ':execution:')}:${name}`;
