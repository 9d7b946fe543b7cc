import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { stepContext, userCreationInput } from '../../contracts/executions.ts';
import type { TargetOutcome } from '../../contracts/outcomes.ts';
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
import { findTarget, presentTarget, type RegisteredTarget } from './lib/registry.ts';
import { resumeProvisioningInput } from './lib/resume-provisioning.ts';
import { type ResumeTask, resumeTask } from './lib/resume-task.ts';
import { type CreationStatus, type TargetClient, targetClient } from './lib/target-client.ts';
import { type TokenSource, tokenSource } from './lib/target-token.ts';

/**
 * All requests of App1 to targets, in one function: it caches a token of each target in memory, so no execution contains a
 * token. Each action is a state of `ProvisionServiceUser`, except `ReadTimeline`, which `get-provisioning` invokes, and
 * `ResumeProvisioning`, which a completion notification triggers. `target` is the name of a registered target.
 */
export const callTargetInput = z.discriminatedUnion('action', [
  z.object({ action: z.literal('Authenticate'), target: storedText }),
  z.object({
    action: z.literal('RequestUserCreation'),
    target: storedText,
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
    target: storedText,
    ...userCreationInput.pick({ provisioning_id: true, creation_id: true, username: true }).shape,
    trace_id: storedText.nullish(),
  }),
  readTimelineInput,
  resumeProvisioningInput,
]);

/** The client of a target, and the source of its tokens. */
export interface TargetConnection {
  client: TargetClient;
  tokens: TokenSource;
}

interface Services {
  registry: readonly RegisteredTarget[];
  /** @throws TargetNotRegistered if the target is not registered, or is gone */
  connect: (target: string) => TargetConnection;
  callbacks: CallbackRegistry;
  resumeTask: ResumeTask;
}

/** Result of an action. It contains nothing secret. */
type Output = { expires_at: string } | TargetOutcome | ReceivedTimelinePart | Record<string, never>;

export const callTarget = ({ registry, connect, callbacks, resumeTask }: Services) => {
  /** Reads the status of the creation from the target, and finishes the waiting task if the creation has finished. */
  const resumeIfFinished = async (task: WaitingTask): Promise<void> => {
    const outcome = outcomeOf(await connect(task.target).client.readStatus(task, task.username));
    if (outcome !== undefined) await resumeTask(task, outcome);
    else logger.info('Creation not finished', { provisioning_id: task.provisioning_id });
  };

  return async (input: z.infer<typeof callTargetInput>): Promise<Output> => {
    switch (input.action) {
      case 'Authenticate': {
        const token = await connect(input.target).tokens.get();
        return { expires_at: new Date(token.expiresAt).toISOString() };
      }
      case 'RequestUserCreation': {
        refuseRedriven(input.redrive_count);
        const { provisioning_id, creation_id, target, username, encrypted_password, human_user_id, owner } =
          input;
        const { status, notifies } = await connect(target).client.requestUserCreation(
          input,
          { username, encrypted_password, human_user_id },
          { onBehalfOf: owner, traceId: input.trace_id ?? undefined },
        );
        if (!notifies) {
          confirmCreated(status);
          await resumeTask(input, 'UserCreated');
          return {};
        }
        const task = { provisioning_id, target, creation_id, username, task_token: input.task_token };
        const { estimated_end_at } = status;
        const { attempt } = input.step;
        if ((await callbacks.registerTaskToken({ ...task, attempt, estimated_end_at })).notified)
          await resumeIfFinished(task);
        return {};
      }
      case 'ResumeProvisioning': {
        addLogContext({ provisioning_id: input.provisioning_id });
        const task = await callbacks.recordNotification(input);
        if (task !== undefined) await resumeIfFinished(task);
        return {};
      }
      case 'CancelUserCreation': {
        const { target, username, trace_id } = input;
        if (findTarget(registry, target).state === 'gone') return { target, user: 'gone' };
        const { client } = connect(target);
        confirmAbsent(await client.cancelUserCreation(input, username, { traceId: trace_id ?? undefined }));
        return { target, user: 'absent' };
      }
      case 'ReadTimeline':
        return connect(input.target).client.readTimeline(input);
    }
  };
};

/** @throws UserRemovalPending unless the target has confirmed that no user exists */
function confirmAbsent(status: CreationStatus | 'absent'): void {
  if (status === 'absent') return;
  throw new StepError('UserRemovalPending', 'The target is still removing the user.');
}

const environment = readEnvironment(environments['call-target']);

/** Connections by target. Each has a token source of its own, so a token is sent to its own target only. */
const connections = new Map<string, TargetConnection>();

function connect(name: string): TargetConnection {
  const { api_url, client_id, secret_arn } = presentTarget(environment.TARGETS, name);
  const existing = connections.get(name);
  if (existing !== undefined) return existing;
  const tokens = tokenSource({
    cognito: stepClient(CognitoIdentityProviderClient),
    secretsManager: stepClient(SecretsManagerClient),
    clientId: client_id,
    secretArn: secret_arn,
    now: Date.now,
  });
  const client = targetClient({ apiUrl: api_url, tokens, fetch: globalThis.fetch });
  const connection = { client, tokens };
  connections.set(name, connection);
  return connection;
}

export const handler = step(
  callTargetInput,
  callTarget({
    registry: environment.TARGETS,
    connect,
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
