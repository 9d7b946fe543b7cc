import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from '@jest/globals';
import { type Credentials, client, endpoint, root } from './support/clients.ts';
import { signed } from './support/raw.ts';
import { anyPrincipalInTheAccount, assume, callerWho, createRole, policy } from './support/roles.ts';
import { unique } from './support/unique.ts';

const mayListKeys = { Effect: 'Allow', Action: 'kms:ListKeys', Resource: '*' } as const;

describe('unchanged: IAM', () => {
  // IAM/latest/UserGuide/reference_policies_evaluation-logic: implicit deny
  it('allows a role only the actions of its policy', async () => {
    await expect(listKeys(await callerWho(mayListKeys))).resolves.toBeDefined();
    await expect(listKeys(await callerWho())).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  // IAM/latest/UserGuide/reference_policies_evaluation-logic: explicit deny
  it('gives a Deny precedence over every Allow', async () => {
    const caller = await callerWho(mayListKeys, { ...mayListKeys, Effect: 'Deny' });

    await expect(listKeys(caller)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  // IAM/latest/UserGuide/id_roles_terms-and-concepts (trust policy)
  it('denies AssumeRole for a role that trusts only a service', async () => {
    const RoleArn = await createRole({ Service: 'lambda.amazonaws.com' }, []);
    const caller = await callerWho({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: RoleArn });
    const attempt = client(STSClient, caller).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 's' }));

    await expect(attempt).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  // STS/latest/APIReference/API_GetCallerIdentity: UserId of a session is role-id:session
  it('gives all sessions of a role the same unique id before the colon', async () => {
    const roleArn = await createRole(anyPrincipalInTheAccount, []);
    const idOf = async (session: string) => {
      const sts = client(STSClient, await assume(roleArn, session));
      return (await sts.send(new GetCallerIdentityCommand({}))).UserId;
    };
    const [first, second] = await Promise.all([idOf('one'), idOf('two')]);

    expect(first).toMatch(/^AROA\w+:one$/);
    expect(second).toBe(first?.replace(':one', ':two'));
  });

  // IAM/latest/UserGuide/reference_sigv
  it.each([
    ['secret', { secretAccessKey: 'not it' }],
    ['session token', { sessionToken: 'not it' }],
    ['key id', { accessKeyId: 'ASIANOTITNOTITNOTITN' }],
  ])('rejects a request of a session that is signed with a wrong %s', async (_, wrong) => {
    const caller = await callerWho(mayListKeys);

    await expect(listKeys({ ...caller, ...wrong })).rejects.toMatchObject({
      $metadata: { httpStatusCode: expect.any(Number) },
    });
  });

  // IAM/latest/UserGuide/reference_sigv-authentication-methods
  it('rejects an unsigned request', async () => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'X-Amz-Target': 'TrentService.ListKeys', 'Content-Type': 'application/x-amz-json-1.1' },
      body: '{}',
    });

    expect(response.status).toBe(400);
    expect(await response.text()).toContain('MissingAuthenticationTokenException');
  });
});

describe('corrected: Signature Version 4', () => {
  // IAM/latest/UserGuide/reference_sigv
  it('rejects a request of the root user that is signed with a wrong secret', async () => {
    await expect(listKeys({ ...root, secretAccessKey: 'not it' })).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
  });

  // IAM/latest/UserGuide/reference_sigv-create-signed-request (hashed payload)
  it('rejects a body that differs from the signed one, regardless of its header', async () => {
    const send = async (body: string, signedBody: string) => {
      const { headers } = await signed('kms', 'TrentService.ListKeys', signedBody);
      return fetch(endpoint, { method: 'POST', headers, body });
    };

    expect((await send('{"Limit":1}', '{"Limit":1}')).status).toBe(200);

    const refused = await send('{"Limit":9}', '{"Limit":1}');

    expect([refused.status, await refused.text()]).toEqual([
      expect.any(Number),
      expect.stringContaining('InvalidSignatureException'),
    ]);
  });
});

describe('corrected: condition keys', () => {
  // IAM/latest/UserGuide/reference_policies_condition-keys (aws:SecureTransport)
  it('treats calls as secure, which bucket policies require', async () => {
    const s3 = client(S3Client, await callerWho({ Effect: 'Allow', Action: 's3:*', Resource: '*' }));
    const Bucket = unique('bucket');
    const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`];
    const onlySecure = {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    };
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: policy(onlySecure) }));

    await expect(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'v' }))).resolves.toBeDefined();
  });
});

describe('corrected: IAM policy variables', () => {
  // IAM/latest/UserGuide/reference_policies_variables
  it("replaces variables by the caller's values", async () => {
    const inAccount = (value: string) =>
      callerWho({ ...mayListKeys, Condition: { StringEquals: { 'aws:PrincipalAccount': value } } });
    const variable = (name: string) => '$'.concat(`{${name}}`);

    await expect(listKeys(await inAccount(variable('aws:PrincipalAccount')))).resolves.toBeDefined();
    await expect(listKeys(await inAccount(variable('aws:username')))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });
});

function listKeys(caller: Credentials) {
  return client(KMSClient, caller).send(new ListKeysCommand({}));
}
