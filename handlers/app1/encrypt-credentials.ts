import { KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms';
import * as z from 'zod';
import { encryptionContext } from '../../contracts/encryption-context.ts';
import { provisioningInput } from '../../contracts/executions.ts';
import { storedText } from '../../contracts/stored.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { hasErrorName, StepError } from '../shared/errors.ts';
import { step } from '../shared/step.ts';
import { environments } from './lib/environments.ts';
import { presentTarget } from './lib/registry.ts';
import { asTargetOutage } from './lib/target-outage.ts';

interface Services {
  kms: Pick<KMSClient, 'send'>;
  environment: z.infer<(typeof environments)['encrypt-credentials']>;
}

export const encryptCredentialsInput = z.object({
  ...provisioningInput.pick({ provisioning_id: true, username: true, intake_ciphertext: true }).shape,
  target: storedText,
});

/**
 * Errors that end when the owner of the key, or KMS, makes the key usable again. They do not identify which of the two
 * keys is unusable; while App1's own key is unusable, App1 accepts no new request.
 * docs.aws.amazon.com/kms/latest/developerguide/key-state.html
 */
const KEY_UNUSABLE = ['ServiceUnavailable', 'DisabledException', 'KMSInvalidStateException'];

/**
 * Re-encrypts the password from App1's intake key to the target's key. The plaintext never leaves KMS.
 * docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
 * @throws CredentialsRejected if the ciphertext belongs to another user or provisioning; TargetUnavailable if a key is
 * unusable; TargetNotRegistered
 */
export const encryptCredentials =
  ({ kms, environment }: Services) =>
  async (input: z.infer<typeof encryptCredentialsInput>): Promise<{ encrypted_password: string }> => {
    const { key_arn } = presentTarget(environment.TARGETS, input.target);
    const { CiphertextBlob } = await kms
      .send(
        new ReEncryptCommand({
          CiphertextBlob: Buffer.from(input.intake_ciphertext, 'base64'),
          SourceKeyId: environment.INTAKE_KEY_ARN,
          SourceEncryptionContext: encryptionContext(input, 'app1'),
          DestinationKeyId: key_arn,
          DestinationEncryptionContext: encryptionContext(input, input.target),
        }),
      )
      .catch((error: unknown) => {
        if (hasErrorName(error, 'InvalidCiphertextException', 'IncorrectKeyException'))
          throw new StepError(
            'CredentialsRejected',
            'The encrypted password does not belong to this provisioning.',
          );
        throw asTargetOutage("The target's key", error, KEY_UNUSABLE);
      });
    if (CiphertextBlob === undefined) throw new Error('ReEncrypt returned no ciphertext.');
    return { encrypted_password: Buffer.from(CiphertextBlob).toString('base64') };
  };

export const handler = step(
  encryptCredentialsInput,
  encryptCredentials({
    kms: stepClient(KMSClient),
    environment: readEnvironment(environments['encrypt-credentials']),
  }),
);
