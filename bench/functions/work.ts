import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  type CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DecryptCommand, EncryptCommand, type KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms';

/** The resources of the calls. */
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
 * The seven calls that every design of a provisioning needs, one after the other.
 */
export async function sevenCalls({ kms, cognito, events }: Clients, target: Target, username: string) {
  const { userPoolId: UserPoolId, intakeKey, app2Key, group: GroupName, bus: EventBusName } = target;
  const context = { username };
  const { CiphertextBlob: intakeCiphertext } = await kms.send(
    new EncryptCommand({
      KeyId: intakeKey,
      Plaintext: Buffer.from(`Pw-1a-${username}`),
      EncryptionContext: context,
    }),
  );
  const { CiphertextBlob: encrypted } = await kms.send(
    new ReEncryptCommand({
      CiphertextBlob: intakeCiphertext,
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
