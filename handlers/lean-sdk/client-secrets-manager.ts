import { commandsOf, ownerOf } from './json-service.ts';

const command = commandsOf({
  target: 'secretsmanager',
  version: '1.1',
  bytes: ['SecretBinary'],
  times: [
    'CreatedDate',
    'DeletedDate',
    'LastAccessedDate',
    'LastChangedDate',
    'LastRotatedDate',
    'NextRotationDate',
  ],
});

export const SecretsManagerClient = ownerOf({ host: 'secretsmanager', signing: 'secretsmanager' });
export const DescribeSecretCommand = command('DescribeSecret');
export const GetSecretValueCommand = command('GetSecretValue');
export const PutSecretValueCommand = command('PutSecretValue', { token: 'ClientRequestToken' });
export const RotateSecretCommand = command('RotateSecret', { token: 'ClientRequestToken' });
export const UpdateSecretVersionStageCommand = command('UpdateSecretVersionStage');
