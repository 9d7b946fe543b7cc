import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { account, type Credentials, client } from './clients.ts';
import { present } from './present.ts';
import { unique } from './unique.ts';

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

export const anyPrincipalInTheAccount = { AWS: `arn:aws:iam::${account}:root` };

/** Creates a role with the given statements that the principal may assume (under the condition). Returns its ARN. */
export async function createRole(
  principal: { Service: string } | { AWS: string },
  statements: Statement[],
  condition?: Statement['Condition'],
  RoleName = unique('role'),
): Promise<string> {
  const iam = client(IAMClient);
  const trust = {
    Effect: 'Allow',
    Principal: principal,
    Action: 'sts:AssumeRole',
    ...(condition === undefined ? {} : { Condition: condition }),
  };
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: policy(trust) }),
  );
  if (statements.length > 0) {
    await iam.send(
      new PutRolePolicyCommand({ RoleName, PolicyName: 'may', PolicyDocument: policy(...statements) }),
    );
  }
  return present(Role?.Arn);
}

/** The temporary credentials of a session of the role. */
export async function assume(roleArn: string, session = 'test'): Promise<Credentials> {
  const { Credentials: issued } = await client(STSClient).send(
    new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: session }),
  );
  return {
    accessKeyId: present(issued?.AccessKeyId),
    secretAccessKey: present(issued?.SecretAccessKey),
    sessionToken: present(issued?.SessionToken),
  };
}

/** The credentials of a caller with exactly the given statements. */
export async function callerWho(...statements: Statement[]): Promise<Credentials> {
  return assume(await createRole(anyPrincipalInTheAccount, statements));
}

export function policy(...statements: object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}
