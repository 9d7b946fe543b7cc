import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { userCreationInput } from '../../contracts/executions.ts';
import type { ReceivedStatus, TimelinePart } from '../../contracts/status.ts';
import { storedText } from '../../contracts/stored.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { StepError } from '../shared/errors.ts';
import { step } from '../shared/step.ts';
import { type App2Client, app2Client } from './app2-client.ts';
import { app2TokenSource, type TokenSource } from './app2-token.ts';
import { type AwaitedCreations, awaitedCreations, endOf } from './awaited-creations.ts';
import { confirmCreated } from './created.ts';
import { environments } from './environments.ts';

/**
 * All of App1's calls to App2, in one function: one token in one memory, and none in any execution.
 * Each action is a state of `ProvisionServiceUser`, but for `ReadTimeline`, which `get-provisioning` asks for.
 */
export const callApp2Input = z.discriminatedUnion('action', [
  z.object({ action: z.literal('Authenticate') }),
  z.object({
    action: z.literal('RequestUserCreation'),
    ...userCreationInput.pick({
      provisioning_id: true,
      creation_id: true,
      username: true,
      human_user_id: true,
      encrypted_password: true,
    }).shape,
    trace_id: storedText.nullish(),
    /** Absent in the definition of the release before. */
    owner: z.string().optional(),
    /** Whether the definition can wait for an announcement; the one of the release before cannot. */
    can_wait: z.boolean().default(false),
  }),
  z.object({
    action: z.literal('AwaitUserCreation'),
    ...userCreationInput.pick({ provisioning_id: true, creation_id: true }).shape,
    /** Whether it was waited for before, and nothing was heard. */
    missed: z.boolean(),
    task_token: z.string().min(1),
  }),
  z.object({
    action: z.literal('CancelUserCreation'),
    ...userCreationInput.pick({ provisioning_id: true, creation_id: true, username: true }).shape,
    trace_id: storedText.nullish(),
  }),
  z.object({
    action: z.literal('ReadTimeline'),
    ...userCreationInput.pick({ provisioning_id: true, creation_id: true }).shape,
  }),
]);
export type CallApp2Input = z.input<typeof callApp2Input>;

interface Services {
  app2: App2Client;
  tokens: TokenSource;
  awaited: AwaitedCreations;
  /** Whether what App2 announces is heard. */
  hears: boolean;
}

/** What is given back: nothing secret, and to a state nothing that a later state does not need. */
type Output = { expires_at: string } | TimelinePart | Record<string, never>;

export const callApp2 =
  ({ app2, tokens, awaited, hears }: Services) =>
  async (input: z.infer<typeof callApp2Input>): Promise<Output> => {
    switch (input.action) {
      case 'Authenticate': {
        const token = await tokens.get();
        return { expires_at: new Date(token.expiresAt).toISOString() };
      }
      case 'RequestUserCreation': {
        const { provisioning_id, username, encrypted_password, human_user_id, owner } = input;
        const { status, announced } = await app2.requestUserCreation(
          input,
          { username, encrypted_password, human_user_id },
          {
            onBehalfOf: owner,
            traceId: input.trace_id ?? undefined,
            hears: hears && input.can_wait,
          },
        );
        if (!announced) {
          confirmCreated(status);
          return {};
        }
        if (status.estimated_end_at !== undefined)
          await awaited.expect(provisioning_id, status.estimated_end_at);
        throw new StepError('UserCreationQueued', 'App2 will announce the end of the creation.');
      }
      case 'AwaitUserCreation': {
        const { provisioning_id, task_token, missed } = input;
        const status = missed ? await app2.readStatus(input) : undefined;
        if (status !== undefined && status.status !== 'RUNNING')
          await awaited.resume(provisioning_id, task_token, endOf(status));
        else await awaited.await(provisioning_id, task_token);
        return {};
      }
      case 'CancelUserCreation': {
        const status = await app2.cancelUserCreation(input, input.username, {
          traceId: input.trace_id ?? undefined,
        });
        return confirmAbsent(status);
      }
      case 'ReadTimeline':
        return app2.readTimeline(input);
    }
  };

function confirmAbsent(status: ReceivedStatus | 'absent'): Record<string, never> {
  if (status === 'absent') return {};
  throw new StepError('UserRemovalPending', 'App2 is still removing the user.');
}

const environment = readEnvironment(environments['call-app2']);
const tokens = app2TokenSource({
  cognito: stepClient(CognitoIdentityProviderClient),
  secretsManager: stepClient(SecretsManagerClient),
  clientId: environment.APP2_CLIENT_ID,
  secretArn: environment.APP2_SECRET_ARN,
  now: Date.now,
});

export const handler = step(
  callApp2Input,
  callApp2({
    app2: app2Client({ apiUrl: environment.APP2_API_URL, tokens, fetch: globalThis.fetch }),
    tokens,
    hears: environment.APP2_ANNOUNCES === 'on',
    awaited: awaitedCreations({
      dynamoDb: stepClient(DynamoDBClient),
      kms: stepClient(KMSClient),
      stepFunctions: stepClient(SFNClient),
      tableName: environment.AWAITED_TABLE,
      keyArn: environment.INTAKE_KEY_ARN,
      now: Date.now,
    }),
  }),
);
