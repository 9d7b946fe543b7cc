import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  PutResourcePolicyCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type Credentials, client, root } from './clients.ts';
import { present } from './present.ts';
import { anyPrincipalInTheAccount, policy } from './roles.ts';
import { unique } from './unique.ts';

/** The account of the resources; their callers are principals of the account of this suite. */
export const otherAccount = '222233334444';

/** Root credentials of an account. An access key of 12 digits belongs to the account with that number. */
export const rootOf = (accountId: string): Credentials => ({ ...root, accessKeyId: accountId });

/** Root credentials of the other account. */
export const otherRoot = rootOf(otherAccount);

/** A statement of a resource policy that allows an action to the account of this suite. */
export const allowCaller = (Action: string | string[], Condition: object = {}, Resource = '*') => ({
  Effect: 'Allow',
  Principal: anyPrincipalInTheAccount,
  Action,
  Resource,
  Condition,
});

/** Creates a key of the other account with further statements in its policy. Returns its ARN. */
export async function createOtherKey(...statements: object[]): Promise<string> {
  const ofTheOwner = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${otherAccount}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
  const { KeyMetadata } = await client(KMSClient, otherRoot).send(
    new CreateKeyCommand({ Policy: policy(ofTheOwner, ...statements) }),
  );
  return present(KeyMetadata?.Arn);
}

/**
 * Creates a secret of the other account with a policy of these statements, or without a policy. Without a key, the AWS
 * managed key encrypts it. Returns its ARN.
 */
export async function createOtherSecret(
  SecretString: string,
  statements: object[],
  KmsKeyId?: string,
): Promise<string> {
  const secrets = client(SecretsManagerClient, otherRoot);
  const { ARN } = await secrets.send(
    new CreateSecretCommand({
      Name: unique('secret'),
      SecretString,
      ...(KmsKeyId === undefined ? {} : { KmsKeyId }),
    }),
  );
  if (statements.length > 0)
    await secrets.send(
      new PutResourcePolicyCommand({ SecretId: ARN, ResourcePolicy: policy(...statements) }),
    );
  return present(ARN);
}
