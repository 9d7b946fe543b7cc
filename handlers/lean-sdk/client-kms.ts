import { commandsOf, ownerOf } from './json-service.ts';

const command = commandsOf({
  target: 'TrentService',
  version: '1.1',
  bytes: ['CiphertextBlob', 'Mac', 'Message', 'Plaintext'],
});

export const KMSClient = ownerOf({ host: 'kms', signing: 'kms' });
export const DecryptCommand = command('Decrypt');
export const EncryptCommand = command('Encrypt');
export const GenerateMacCommand = command('GenerateMac');
export const ReEncryptCommand = command('ReEncrypt');
