import { randomUUID } from 'node:crypto';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KMSClient } from '@aws-sdk/client-kms';
import { apiClient } from '../../handlers/shared/aws-clients.ts';
import { sevenCalls } from './work.ts';

/** The whole provisioning in one function while the caller waits: the design without workflows. */
const clients = {
  kms: apiClient(KMSClient),
  cognito: apiClient(CognitoIdentityProviderClient),
  events: apiClient(EventBridgeClient),
};
const { INTAKE_KEY = '', APP2_KEY = '', USER_POOL_ID = '', GROUP = '', BUS = '' } = process.env;
const target = {
  intakeKey: INTAKE_KEY,
  app2Key: APP2_KEY,
  userPoolId: USER_POOL_ID,
  group: GROUP,
  bus: BUS,
};

export const handler = async () => {
  await sevenCalls(clients, target, `sync-${randomUUID().slice(0, 13)}`);
  return { statusCode: 200, body: '{}' };
};
