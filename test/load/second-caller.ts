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

const PolicyName = 'invoke-api';
const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' }],
});

/**
 * Runs a function with a second caller of App1: an IAM user that has only the permission to invoke the API, and that
 * exists while the function runs.
 */
export async function withSecondCaller<Result>(
  outputs: Outputs,
  run: (second: System) => Promise<Result>,
): Promise<Result> {
  const { endpoint, region, access_key_id, secret_access_key } = outputs;
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
  const iam = new IAMClient({ endpoint, region, credentials });
  const UserName = `second-caller-${Date.now()}`;
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  if (AccessKey?.AccessKeyId === undefined || AccessKey.SecretAccessKey === undefined)
    throw new Error('IAM returned no access key.');
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
