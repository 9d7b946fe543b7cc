import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  type CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DecryptCommand, EncryptCommand, type KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms';

/** Where the calls go. */
export interface Target {
  intakeKey: string;
  app2Key: string;
  userPoolId: string;
  group: string;
  bus: string;
}

export interface Clients {
  kms: Pick<KMSClient, 'send'>;
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  events: Pick<EventBridgeClient, 'send'>;
}

/**
 * The seven calls without which no user is provisioned, one after the other and nothing else: what every way to do it
 * has to pay.
 */
export async function sevenCalls({ kms, cognito, events }: Clients, target: Target, username: string) {
  const { userPoolId: UserPoolId, intakeKey, app2Key, group: GroupName, bus: EventBusName } = target;
  const context = { username };
  const { CiphertextBlob: sealed } = await kms.send(
    new EncryptCommand({
      KeyId: intakeKey,
      Plaintext: Buffer.from(`Pw-1a-${username}`),
      EncryptionContext: context,
    }),
  );
  const { CiphertextBlob: encrypted } = await kms.send(
    new ReEncryptCommand({
      CiphertextBlob: sealed,
      SourceKeyId: intakeKey,
      DestinationKeyId: app2Key,
      SourceEncryptionContext: context,
      DestinationEncryptionContext: context,
    }),
  );
  const { Plaintext } = await kms.send(
    new DecryptCommand({ KeyId: app2Key, CiphertextBlob: encrypted, EncryptionContext: context }),
  );
  const Password = Buffer.from(Plaintext ?? []).toString('utf8');
  await cognito.send(
    new AdminCreateUserCommand({ UserPoolId, Username: username, MessageAction: 'SUPPRESS' }),
  );
  await cognito.send(
    new AdminSetUserPasswordCommand({ UserPoolId, Username: username, Password, Permanent: true }),
  );
  await cognito.send(new AdminAddUserToGroupCommand({ UserPoolId, Username: username, GroupName }));
  await events.send(
    new PutEventsCommand({
      Entries: [
        { EventBusName, Source: 'bench', DetailType: 'Created', Detail: JSON.stringify({ username }) },
      ],
    }),
  );
}
