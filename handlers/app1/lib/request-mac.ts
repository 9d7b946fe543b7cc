import { GenerateMacCommand, type KMSClient } from '@aws-sdk/client-kms';

/**
 * A MAC of a request, to compare two requests with one key. Guessing a password from it needs the KMS key. The
 * provisioning_id is the first part, so that equal passwords of two provisionings have different MACs.
 * docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
 */
export async function requestMac(
  kms: Pick<KMSClient, 'send'>,
  keyArn: string,
  parts: readonly [provisioningId: string, ...rest: (string | readonly string[] | null)[]],
): Promise<string> {
  const { Mac } = await kms.send(
    new GenerateMacCommand({
      KeyId: keyArn,
      MacAlgorithm: 'HMAC_SHA_256',
      Message: Buffer.from(JSON.stringify(parts), 'utf8'),
    }),
  );
  if (Mac === undefined) throw new Error('GenerateMac returned no MAC.');
  return Buffer.from(Mac).toString('base64');
}
