import {
  DescribeEventBusCommand,
  EventBridgeClient,
  PutPermissionCommand,
  RemovePermissionCommand,
} from '@aws-sdk/client-eventbridge';
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetKeyPolicyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DeleteResourcePolicyCommand,
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  PutResourcePolicyCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { configuration, outputs } from '../../e2e/support/deployed.ts';
import { present } from '../../local-aws/support/present.ts';
import { targetAccount } from './target-account.ts';

/** The permissions between the accounts, each of which an administrator can remove: those that App2 gives, and App1's own. */

/** Root credentials of the account of App2. */
const inTargetAccount = {
  ...configuration,
  credentials: { ...configuration.credentials, accessKeyId: targetAccount },
};
const secrets = new SecretsManagerClient(inTargetAccount);
const kms = new KMSClient(inTargetAccount);
const events = new EventBridgeClient(inTargetAccount);

type Restore = () => Promise<unknown>;

const document = z.looseObject({ Statement: z.array(z.looseObject({ Principal: z.unknown() })) });

/** A policy without the statements that name the account of App1. */
function withoutApp1(policy: string | undefined): string {
  const parsed = document.parse(JSON.parse(present(policy)));
  const Statement = parsed.Statement.filter(
    ({ Principal }) => !JSON.stringify(Principal).includes(outputs.account),
  );
  if (Statement.length === parsed.Statement.length) throw new Error('The policy does not name App1.');
  return JSON.stringify({ ...parsed, Statement });
}

/** Removes the permission to read the credentials of App1. */
export async function removeSecretPermission(): Promise<Restore> {
  const SecretId = outputs.app2.credentials_secret_arn;
  const { ResourcePolicy } = await secrets.send(new GetResourcePolicyCommand({ SecretId }));
  await secrets.send(new DeleteResourcePolicyCommand({ SecretId }));
  return () => secrets.send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy }));
}

/** Removes the permission to decrypt the credentials of App1. */
export async function removeCredentialsKeyPermission(): Promise<Restore> {
  const { KmsKeyId } = await secrets.send(
    new DescribeSecretCommand({ SecretId: outputs.app2.credentials_secret_arn }),
  );
  return removeKeyPermission(present(KmsKeyId));
}

/** Removes the permission to re-encrypt passwords to App2's key. */
export const removePasswordKeyPermission = (): Promise<Restore> => removeKeyPermission(outputs.app2.key_arn);

async function removeKeyPermission(KeyId: string): Promise<Restore> {
  const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId }));
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: withoutApp1(Policy) }));
  return () => kms.send(new PutKeyPolicyCommand({ KeyId, Policy }));
}

/** Denies an action to the role of a function of App1. */
export async function denyToFunction(FunctionName: string, Action: string): Promise<Restore> {
  const iam = new IAMClient(configuration);
  const { Role } = await new LambdaClient(configuration).send(
    new GetFunctionConfigurationCommand({ FunctionName }),
  );
  const policy = { RoleName: present(Role).split('/').at(-1), PolicyName: 'denied' };
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action, Resource: '*' }],
  });
  await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument }));
  return () => iam.send(new DeleteRolePolicyCommand(policy));
}

/** Removes the permissions to manage rules on App2's bus. */
export async function removeBusPermission(): Promise<Restore> {
  const EventBusName = outputs.app2.event_bus_name;
  const { Policy } = await events.send(new DescribeEventBusCommand({ Name: EventBusName }));
  const statements = z.array(z.looseObject({ Sid: z.string() }));
  const { Statement } = document.parse(JSON.parse(present(Policy)));
  for (const { Sid } of statements.parse(Statement))
    await events.send(new RemovePermissionCommand({ EventBusName, StatementId: Sid }));
  return () => events.send(new PutPermissionCommand({ EventBusName, Policy }));
}
