import {
  AdminAddUserToGroupCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { hasErrorName } from '../../handlers/shared/errors.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import type { Check } from '../check.ts';
import type { DeployedSystem } from '../system.ts';
import { assert } from '../verdict.ts';

/** Undocumented behaviour that retries rely on: the repeat of a call whose response was lost. */

const cognito = ({ app2 }: DeployedSystem) => app2.connection.client(CognitoIdentityProviderClient);

export const assumedChecks: readonly Check[] = [
  {
    name: 'assumed/group-again',
    claim: 'Adding a user to a group that contains it succeeds.',
    async run(system) {
      const { user } = await system.example();
      await cognito(system).send(
        new AdminAddUserToGroupCommand({
          UserPoolId: system.app2.outputs.user_pool_id,
          Username: user.username,
          GroupName: system.app2.outputs.service_user_group,
        }),
      );
      return 'Cognito accepted it';
    },
  },
  {
    name: 'assumed/password-again',
    claim: 'Setting the current password of a user succeeds, and the user still signs in.',
    async run(system) {
      const { user } = await system.example();
      await cognito(system).send(
        new AdminSetUserPasswordCommand({
          UserPoolId: system.app2.outputs.user_pool_id,
          Username: user.username,
          Password: user.password,
          Permanent: true,
        }),
      );
      await system.signIn(user);
      return 'Cognito accepted it';
    },
  },
  {
    name: 'assumed/name-in-use',
    claim: 'The name of a finished execution cannot be used again, also for the same input.',
    async run(system) {
      const { provisioning } = await system.example();
      const { connection, outputs } = system.app2;
      const stepFunctions = connection.client(SFNClient);
      const name = provisioning.provisioning_id;
      const arn = executionArn(outputs.state_machine_arn, name);
      const { input, startDate } = await stepFunctions.send(
        new DescribeExecutionCommand({ executionArn: arn }),
      );
      const repeat = { stateMachineArn: outputs.state_machine_arn, name, input };
      const isRejected = await stepFunctions.send(new StartExecutionCommand(repeat)).then(
        () => false,
        (error: unknown) => hasErrorName(error, 'ExecutionAlreadyExists'),
      );
      assert(isRejected, `the execution ${name} of ${startDate?.toISOString()} could be started again`);
      return 'ExecutionAlreadyExists';
    },
  },
];
