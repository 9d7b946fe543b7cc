import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { userCreationInput } from '../../contracts/executions.ts';
import type { FailureName } from '../../contracts/failures.ts';
import { traceId } from '../../contracts/origin.ts';
import type { ProvisioningStatus, TimelinePart } from '../../contracts/status.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { StepError } from '../shared/errors.ts';
import { step } from '../shared/step.ts';
import { type App2Client, app2Client } from './app2-client.ts';
import { app2TokenSource, type TokenSource } from './app2-token.ts';
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
      username: true,
      human_user_id: true,
      encrypted_password: true,
    }).shape,
    trace_id: traceId.nullish(),
    /** Absent in the definition of the release before. */
    owner: z.string().optional(),
  }),
  z.object({
    action: z.literal('CancelUserCreation'),
    ...userCreationInput.pick({ provisioning_id: true }).shape,
    trace_id: traceId.nullish(),
  }),
  z.object({
    action: z.literal('ReadTimeline'),
    ...userCreationInput.pick({ provisioning_id: true }).shape,
  }),
]);
export type CallApp2Input = z.input<typeof callApp2Input>;

interface Services {
  app2: App2Client;
  tokens: TokenSource;
}

/** What is given back: nothing secret, and to a state nothing that a later state does not need. */
type Output = { expires_at: string } | TimelinePart | Record<string, never>;

export const callApp2 =
  ({ app2, tokens }: Services) =>
  async (input: z.infer<typeof callApp2Input>): Promise<Output> => {
    switch (input.action) {
      case 'Authenticate': {
        const token = await tokens.get();
        return { expires_at: new Date(token.expiresAt).toISOString() };
      }
      case 'RequestUserCreation': {
        const { provisioning_id, username, encrypted_password, human_user_id, owner } = input;
        const status = await app2.requestUserCreation(
          provisioning_id,
          { username, encrypted_password, human_user_id },
          { onBehalfOf: owner, traceId: input.trace_id ?? undefined },
        );
        return confirmCreated(status);
      }
      case 'CancelUserCreation': {
        const status = await app2.cancelUserCreation(input.provisioning_id, {
          traceId: input.trace_id ?? undefined,
        });
        return confirmAbsent(status);
      }
      case 'ReadTimeline':
        return app2.readTimeline(input.provisioning_id);
    }
  };

/** Failures of App2 that mean the same to App1's caller. Any other is App2's own matter: `UserCreationFailed`. */
const SAME_AT_APP1: Partial<Record<string, FailureName>> = {
  CREDENTIALS_REJECTED: 'CredentialsRejected',
  PASSWORD_REJECTED: 'PasswordRejected',
  USER_ALREADY_EXISTS: 'UserAlreadyExists',
  USER_BEING_REMOVED: 'UserBeingRemoved',
  USER_VANISHED: 'UserVanished',
};

function confirmCreated({ status, user, error }: ProvisioningStatus): Record<string, never> {
  if (status === 'RUNNING') throw new StepError('UserCreationPending', 'App2 is still creating the user.');
  if (status === 'SUCCEEDED' && user === 'present') return {};
  throw new StepError(
    SAME_AT_APP1[error?.code ?? ''] ?? 'UserCreationFailed',
    `App2 ended the creation as ${status}${error === undefined ? '' : ` in ${error.step}`}.`,
  );
}

function confirmAbsent(status: ProvisioningStatus | 'absent'): Record<string, never> {
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
  }),
);
