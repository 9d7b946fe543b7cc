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

/** What retries rely on and AWS does not document: calls that are made again, as after an answer that was lost. */

const cognito = ({ app2 }: DeployedSystem) => app2.connection.client(CognitoIdentityProviderClient);

export const assumedChecks: readonly Check[] = [
  {
    name: 'assumed/group-again',
    claim: 'To add a user to a group in which it is succeeds.',
    async run(system) {
      const { user } = await system.example();
      await cognito(system).send(
        new AdminAddUserToGroupCommand({
          UserPoolId: system.app2.outputs.user_pool_id,
          Username: user.username,
          GroupName: system.app2.outputs.service_user_group,
        }),
      );
      return 'Cognito took it';
    },
  },
  {
    name: 'assumed/password-again',
    claim: 'To set the password that a user has succeeds, and it still signs in.',
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
      return 'Cognito took it';
    },
  },
  {
    name: 'assumed/name-taken',
    claim: 'The name of an execution that has ended is taken, also for the same input.',
    async run(system) {
      const { provisioning } = await system.example();
      const { connection, outputs } = system.app2;
      const stepFunctions = connection.client(SFNClient);
      const name = provisioning.provisioning_id;
      const arn = executionArn(outputs.state_machine_arn, name);
      const { input, startDate } = await stepFunctions.send(
        new DescribeExecutionCommand({ executionArn: arn }),
      );
      const again = { stateMachineArn: outputs.state_machine_arn, name, input };
      const refused = await stepFunctions.send(new StartExecutionCommand(again)).then(
        () => false,
        (error: unknown) => hasErrorName(error, 'ExecutionAlreadyExists'),
      );
      assert(refused, `the execution ${name} of ${startDate?.toISOString()} could be started again`);
      return 'ExecutionAlreadyExists';
    },
  },
];
