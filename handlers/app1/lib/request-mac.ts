import { GenerateMacCommand, type KMSClient } from '@aws-sdk/client-kms';

/**
 * A MAC of a request. Two requests with one key can be compared by it, and nobody without the KMS key can try
 * passwords against it. The provisioning_id is the first of the parts: equal passwords of two provisionings do not
 * show.
 * docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
 */
export async function requestMac(
  kms: Pick<KMSClient, 'send'>,
  keyArn: string,
  parts: readonly [provisioningId: string, ...rest: string[]],
): Promise<string> {
  const { Mac } = await kms.send(
    new GenerateMacCommand({
      KeyId: keyArn,
      MacAlgorithm: 'HMAC_SHA_256',
      Message: Buffer.from(JSON.stringify(parts), 'utf8'),
    }),
  );
  if (Mac === undefined) throw new Error('KMS answered GenerateMac without a MAC.');
  return Buffer.from(Mac).toString('base64');
}
