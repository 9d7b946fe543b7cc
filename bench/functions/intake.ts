import { randomUUID } from 'node:crypto';
import { EncryptCommand, GenerateMacCommand, KMSClient } from '@aws-sdk/client-kms';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { apiClient } from '../../handlers/shared/aws-clients.ts';

/** The calls of a POST: Encrypt and GenerateMac at the same time, then StartExecution. */
const kms = apiClient(KMSClient);
const stepFunctions = apiClient(SFNClient);
const { INTAKE_KEY: KeyId = '', MAC_KEY = '', MACHINE = '' } = process.env;

export const handler = async () => {
  const bytes = Buffer.from(randomUUID());
  await Promise.all([
    kms.send(new EncryptCommand({ KeyId, Plaintext: bytes })),
    kms.send(new GenerateMacCommand({ KeyId: MAC_KEY, MacAlgorithm: 'HMAC_SHA_256', Message: bytes })),
  ]);
  const execution = { stateMachineArn: MACHINE, name: randomUUID(), input: '{}' };
  await stepFunctions.send(new StartExecutionCommand(execution));
  return { statusCode: 202, body: '{}' };
};
