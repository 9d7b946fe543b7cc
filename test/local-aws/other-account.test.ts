import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  KMSClient,
  ReEncryptCommand,
} from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { signedFetch } from '../../cli/signed-fetch.ts';
import { type Api, createApi } from './support/api.ts';
import { client, region, root } from './support/clients.ts';
import { allowCaller, createOtherKey, createOtherSecret, otherRoot } from './support/other-account.ts';
import { present } from './support/present.ts';
import { callerWho, type Statement } from './support/roles.ts';
import { unique } from './support/unique.ts';

/** Calls of a principal of one account for resources of another: both accounts have to allow them. */

const allow = (Action: string, Resource = '*'): Statement => ({ Effect: 'Allow', Action, Resource });

const viaService = (service: string) => ({
  StringEquals: { 'kms:ViaService': `${service}.${region}.amazonaws.com` },
});

describe('corrected: secrets of another account', () => {
  const allowing = {
    secretPolicy: [allowCaller('secretsmanager:GetSecretValue')],
    keyPolicy: [allowCaller('kms:Decrypt', viaService('secretsmanager'))],
    own: [allow('secretsmanager:GetSecretValue'), allow('kms:Decrypt')],
  };

  const readAs = async (SecretId: string, own: Statement[]) =>
    client(SecretsManagerClient, await callerWho(...own)).send(new GetSecretValueCommand({ SecretId }));

  /** Reads a new secret under these policies; all of them allow it, except the given ones. */
  const read = async (changed: Partial<typeof allowing> = {}) => {
    const { secretPolicy, keyPolicy, own } = { ...allowing, ...changed };
    const key = await createOtherKey(...keyPolicy);
    const secret = await createOtherSecret('theirs', secretPolicy, key);
    return readAs(secret, own);
  };

  // secretsmanager/latest/userguide/auth-and-access_examples_cross
  it.each([
    ['the policy of the secret does not allow it', { secretPolicy: [] }],
    ["the policy of the secret's key does not allow it", { keyPolicy: [] }],
    [
      "the policy of the secret's key allows it to another service",
      { keyPolicy: [allowCaller('kms:Decrypt', viaService('sqs'))] },
    ],
    ["the caller's policy does not allow to read the secret", { own: [allow('kms:Decrypt')] }],
    ["the caller's policy does not allow to decrypt", { own: [allow('secretsmanager:GetSecretValue')] }],
  ])('are read, but not if %s', async (_, removed) => {
    const [allowed, denied] = await Promise.allSettled([read(), read(removed)]);

    expect([allowed, denied]).toMatchObject([
      { value: { SecretString: 'theirs' } },
      { reason: { name: 'AccessDeniedException' } },
    ]);
  });

  // secretsmanager/latest/userguide/auth-and-access_examples_cross: not with the key aws/secretsmanager
  it('are not read if the AWS managed key encrypts them', async () => {
    const secret = await createOtherSecret('theirs', allowing.secretPolicy);

    const attempt = readAs(secret, allowing.own);

    await expect(attempt).rejects.toMatchObject({ message: 'Access to KMS is not allowed' });
  });

  // IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account
  it('are not read by the root user of an account that the secret does not name', async () => {
    const secret = await createOtherSecret('theirs', [], await createOtherKey(...allowing.keyPolicy));

    const attempt = client(SecretsManagerClient, root).send(new GetSecretValueCommand({ SecretId: secret }));

    await expect(attempt).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

describe('corrected: the key of a secret', () => {
  // secretsmanager/latest/userguide/security-encryption (Permissions for the KMS key)
  it.each([
    ['GetSecretValue', 'kms:Decrypt', {}],
    ['PutSecretValue', 'kms:GenerateDataKey', { SecretString: 'new' }],
  ])('has to allow %s by %s, also in the account of the caller', async (operation, action, input) => {
    const { KeyMetadata } = await client(KMSClient).send(new CreateKeyCommand({}));
    const { ARN: SecretId } = await client(SecretsManagerClient).send(
      new CreateSecretCommand({
        Name: unique('secret'),
        SecretString: 'own',
        KmsKeyId: present(KeyMetadata?.Arn),
      }),
    );
    const callAs = async (...own: Statement[]) => {
      const caller = client(
        SecretsManagerClient,
        await callerWho(allow(`secretsmanager:${operation}`), ...own),
      );
      return operation === 'GetSecretValue'
        ? caller.send(new GetSecretValueCommand({ SecretId }))
        : caller.send(new PutSecretValueCommand({ SecretId, ...input }));
    };

    await expect(callAs(allow(action))).resolves.toMatchObject({ ARN: SecretId });
    await expect(callAs()).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: 'Access to KMS is not allowed',
    });
  });
});

describe('corrected: keys of another account', () => {
  const allowing = {
    keyPolicy: [allowCaller('kms:ReEncryptTo', { StringEquals: { 'kms:EncryptionContext:target': 'app2' } })],
    own: [allow('kms:ReEncryptFrom'), allow('kms:ReEncryptTo')],
    context: { target: 'app2' },
  };
  let ownKey: string;

  beforeAll(async () => {
    const { KeyMetadata } = await client(KMSClient).send(new CreateKeyCommand({}));
    ownKey = present(KeyMetadata?.Arn);
  });

  /** Re-encrypts a ciphertext of an own key to a key; both policies allow it, except the given ones. */
  const reEncrypt = async (changed: Partial<typeof allowing> = {}) => {
    const { keyPolicy, own, context } = { ...allowing, ...changed };
    const DestinationKeyId = await createOtherKey(...keyPolicy);
    const { CiphertextBlob } = await client(KMSClient).send(
      new EncryptCommand({ KeyId: ownKey, Plaintext: Buffer.from('password') }),
    );
    return client(KMSClient, await callerWho(...own)).send(
      new ReEncryptCommand({ CiphertextBlob, DestinationKeyId, DestinationEncryptionContext: context }),
    );
  };

  // kms/latest/APIReference/API_ReEncrypt (Cross-account use)
  it('are the destination of ReEncrypt, and only their account decrypts', async () => {
    const { CiphertextBlob } = await reEncrypt();

    const decrypt = new DecryptCommand({ CiphertextBlob, EncryptionContext: allowing.context });
    const { Plaintext } = await client(KMSClient, otherRoot).send(decrypt);
    expect(Buffer.from(present(Plaintext)).toString()).toBe('password');
    await expect(client(KMSClient, root).send(decrypt)).rejects.toThrow();
  });

  // kms/latest/developerguide/key-policy-modifying-external-accounts
  it.each([
    ['the policy of the key does not allow it', { keyPolicy: [] }],
    ['the policy of the key allows only Encrypt', { keyPolicy: [allowCaller('kms:Encrypt')] }],
    ['the context is not that of the policy of the key', { context: { target: 'app3' } }],
    ["the caller's policy does not allow it", { own: [allow('kms:ReEncryptFrom')] }],
  ])('are the destination of ReEncrypt, but not if %s', async (_, changed) => {
    const [allowed, denied] = await Promise.allSettled([reEncrypt(), reEncrypt(changed)]);

    expect([allowed, denied]).toMatchObject([
      { value: { SourceKeyId: ownKey } },
      { reason: { name: 'AccessDeniedException' } },
    ]);
  });

  // kms/latest/APIReference/API_Encrypt and API_Decrypt (Cross-account use): the ARN of the key
  it('encrypt and decrypt for a caller whom both policies allow it', async () => {
    const actions = ['kms:Encrypt', 'kms:Decrypt'];
    const KeyId = await createOtherKey(allowCaller(actions));
    const caller = client(KMSClient, await callerWho(...actions.map((action) => allow(action))));

    const { CiphertextBlob } = await caller.send(
      new EncryptCommand({ KeyId, Plaintext: Buffer.from('password') }),
    );
    const { Plaintext } = await caller.send(new DecryptCommand({ KeyId, CiphertextBlob }));

    expect(Buffer.from(present(Plaintext)).toString()).toBe('password');
  });
});

describe('corrected: APIs of another account', () => {
  let api: Api;

  beforeAll(async () => {
    api = await createApi(otherRoot);
  }, 30_000);

  // apigateway/latest/developerguide/how-to-call-api: every client calls an API by its host
  it('are called without a signature', async () => {
    const open = await fetch(`${api.url}/open`);
    const withToken = await fetch(`${api.url}/token`, { headers: { Authorization: 'allow' } });
    const denied = await fetch(`${api.url}/token`, { headers: { Authorization: 'refuse' } });

    expect([open.status, withToken.status, denied.status]).toEqual([200, 200, 401]);
  });

  // apigateway/latest/developerguide/apigateway-authorization-flow (IAM authorization, cross-account)
  it('are not called by a signature without a policy of the API', async () => {
    const caller = await callerWho(allow('execute-api:Invoke'));

    const { status } = await signedFetch(caller, region)(`${api.url}/caller/1`);
    const own = await signedFetch(otherRoot, region)(`${api.url}/caller/1`);

    expect([status, own.status]).toEqual([403, 200]);
  });
});

describe('corrected: app clients of another account', () => {
  const password = 'Correct-horse-1-battery';
  let ClientId: string;

  /** Creates a user in the pool of the app client; returns the parameters of the sign-in. */
  const createUser = async (UserPoolId: string, Permanent: boolean) => {
    const Username = unique('user');
    const cognito = client(CognitoIdentityProviderClient, otherRoot);
    await cognito.send(new AdminCreateUserCommand({ UserPoolId, Username }));
    await cognito.send(
      new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: password, Permanent }),
    );
    return {
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId,
      AuthParameters: { USERNAME: Username, PASSWORD: password },
    } as const;
  };
  let UserPoolId: string;

  beforeAll(async () => {
    const cognito = client(CognitoIdentityProviderClient, otherRoot);
    const { UserPool } = await cognito.send(new CreateUserPoolCommand({ PoolName: unique('pool') }));
    UserPoolId = present(UserPool?.Id);
    const { UserPoolClient } = await cognito.send(
      new CreateUserPoolClientCommand({
        UserPoolId,
        ClientName: 'client',
        ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH'],
      }),
    );
    ClientId = present(UserPoolClient?.ClientId);
  });

  // cognito-user-identity-pools/latest/APIReference/API_InitiateAuth: evaluates no IAM policies
  it('sign users in without a signature', async () => {
    const signIn = await createUser(UserPoolId, true);

    const { AuthenticationResult } = await client(CognitoIdentityProviderClient).send(
      new InitiateAuthCommand(signIn),
    );

    const [, claims = ''] = present(AuthenticationResult?.AccessToken).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      client_id: ClientId,
      iss: expect.stringContaining(UserPoolId),
    });
  });

  // cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge: evaluates no IAM policies
  it('accept the response to a challenge without a signature', async () => {
    const signIn = await createUser(UserPoolId, false);
    const cognito = client(CognitoIdentityProviderClient);
    const { Session, ChallengeName } = await cognito.send(new InitiateAuthCommand(signIn));

    const { AuthenticationResult } = await cognito.send(
      new RespondToAuthChallengeCommand({
        ClientId,
        Session,
        ChallengeName,
        ChallengeResponses: { USERNAME: signIn.AuthParameters.USERNAME, NEW_PASSWORD: `${password}-2` },
      }),
    );

    expect(AuthenticationResult?.AccessToken).toEqual(expect.any(String));
  });
});
