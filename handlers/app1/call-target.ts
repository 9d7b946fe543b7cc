import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { stepContext, userCreationInput } from '../../contracts/executions.ts';
import { receivedNotification } from '../../contracts/notification.ts';
import type { ReceivedTimelinePart } from '../../contracts/status.ts';
import { storedText } from '../../contracts/stored.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { StepError } from '../shared/errors.ts';
import { addLogContext, logger } from '../shared/logger.ts';
import { redriveCount, refuseRedriven } from '../shared/redriven.ts';
import { step } from '../shared/step.ts';
import { type CallbackRegistry, callbackRegistry, type WaitingTask } from './lib/callback-registry.ts';
import { environments } from './lib/environments.ts';
import { confirmCreated, outcomeOf } from './lib/outcome.ts';
import { readTimelineInput } from './lib/read-timeline.ts';
import { type ResumeTask, resumeTask } from './lib/resume-task.ts';
import { type CreationStatus, type TargetClient, targetClient } from './lib/target-client.ts';
import { type TokenSource, tokenSource } from './lib/target-token.ts';

/**
 * All requests of App1 to the target, in one function: it caches the token in memory, so no execution contains a token.
 * Each action is a state of `ProvisionServiceUser`, except `ReadTimeline`, which `get-provisioning` invokes, and
 * `ResumeProvisioning`, which a completion notification triggers.
 */
const action = z.discriminatedUnion('action', [
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
    owner: storedText,
    trace_id: storedText.nullish(),
    task_token: z.string().min(1),
    step: stepContext.shape.step.pick({ attempt: true }),
    redrive_count: redriveCount,
  }),
  z.object({
    action: z.literal('CancelUserCreation'),
    ...userCreationInput.pick({ provisioning_id: true, creation_id: true, username: true }).shape,
    trace_id: storedText.nullish(),
  }),
  readTimelineInput,
]);

/** A completion notification as an action. Only the id is read, because the notification is a hint. */
const notified = receivedNotification.transform(({ detail: { provisioning_id } }) => ({
  action: 'ResumeProvisioning' as const,
  provisioning_id,
}));

export const callTargetInput = z.union([action, notified]);

interface Services {
  app2: TargetClient;
  tokens: TokenSource;
  callbacks: CallbackRegistry;
  resumeTask: ResumeTask;
  /** Whether the target's completion notifications arrive. */
  acceptsCallback: boolean;
}

/** Result of an action. It contains nothing secret. */
type Output = { expires_at: string } | ReceivedTimelinePart | Record<string, never>;

export const callTarget = ({ app2, tokens, callbacks, resumeTask, acceptsCallback }: Services) => {
  /** Reads the status of the creation from the target, and finishes the waiting task if the creation has finished. */
  const resumeIfFinished = async (task: WaitingTask): Promise<void> => {
    const outcome = outcomeOf(await app2.readStatus(task, task.username));
    if (outcome !== undefined) await resumeTask(task, outcome);
    else logger.info('Creation not finished', { provisioning_id: task.provisioning_id });
  };

  return async (input: z.infer<typeof callTargetInput>): Promise<Output> => {
    switch (input.action) {
      case 'Authenticate': {
        const token = await tokens.get();
        return { expires_at: new Date(token.expiresAt).toISOString() };
      }
      case 'RequestUserCreation': {
        refuseRedriven(input.redrive_count);
        const { provisioning_id, creation_id, username, encrypted_password, human_user_id, owner } = input;
        const { status, notifies } = await app2.requestUserCreation(
          input,
          { username, encrypted_password, human_user_id },
          { onBehalfOf: owner, traceId: input.trace_id ?? undefined, acceptsCallback },
        );
        if (!notifies) {
          confirmCreated(status);
          await resumeTask(input, 'UserCreated');
          return {};
        }
        const task = { provisioning_id, creation_id, username, task_token: input.task_token };
        const { estimated_end_at } = status;
        const { attempt } = input.step;
        if ((await callbacks.registerTaskToken({ ...task, attempt, estimated_end_at })).notified)
          await resumeIfFinished(task);
        return {};
      }
      case 'ResumeProvisioning': {
        addLogContext({ provisioning_id: input.provisioning_id });
        const task = await callbacks.recordNotification(input.provisioning_id);
        if (task !== undefined) await resumeIfFinished(task);
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
};

function confirmAbsent(status: CreationStatus | 'absent'): Record<string, never> {
  if (status === 'absent') return {};
  throw new StepError('UserRemovalPending', 'The target is still removing the user.');
}

const environment = readEnvironment(environments['call-target']);
const tokens = tokenSource({
  cognito: stepClient(CognitoIdentityProviderClient),
  secretsManager: stepClient(SecretsManagerClient),
  clientId: environment.APP2_CLIENT_ID,
  secretArn: environment.APP2_SECRET_ARN,
  now: Date.now,
});

export const handler = step(
  callTargetInput,
  callTarget({
    app2: targetClient({ apiUrl: environment.APP2_API_URL, tokens, fetch: globalThis.fetch }),
    tokens,
    acceptsCallback: environment.APP2_NOTIFICATIONS === 'on',
    resumeTask: resumeTask(stepClient(SFNClient)),
    callbacks: callbackRegistry({
      dynamoDb: stepClient(DynamoDBClient),
      kms: stepClient(KMSClient),
      tableName: environment.CALLBACKS_TABLE,
      keyArn: environment.INTAKE_KEY_ARN,
      now: Date.now,
    }),
  }),
);
