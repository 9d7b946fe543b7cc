import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import type { Outputs } from '../../cli/outputs.ts';
import { type System, systemOf } from '../../local/system.ts';

const PolicyName = 'may-call';
const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' }],
});

/**
 * The system as another caller of App1 sees it, for as long as something runs: an IAM user of its own, who may call the
 * API and nothing else.
 */
export async function withSecondCaller<Result>(
  outputs: Outputs,
  run: (second: System) => Promise<Result>,
): Promise<Result> {
  const { endpoint, region, access_key_id, secret_access_key } = outputs;
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
  const iam = new IAMClient({ endpoint, region, credentials });
  const UserName = `burst-${Date.now()}`;
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  if (AccessKey?.AccessKeyId === undefined || AccessKey.SecretAccessKey === undefined)
    throw new Error('IAM gave no access key.');
  const { AccessKeyId, SecretAccessKey } = AccessKey;
  try {
    return await run(
      systemOf({ ...outputs, access_key_id: AccessKeyId, secret_access_key: SecretAccessKey }),
    );
  } finally {
    await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
    await iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName }));
    await iam.send(new DeleteUserCommand({ UserName }));
  }
}
