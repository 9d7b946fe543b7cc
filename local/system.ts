import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import type { Outputs, Target } from '../cli/outputs.ts';
import { signedFetch } from '../cli/signed-fetch.ts';
import type { CreateServiceUserRequest } from '../contracts/app1-api.ts';
import { eventMetadata } from '../contracts/events/catalogue.ts';
import { hasErrorName } from '../handlers/shared/errors.ts';
import { executionArn as executionArnOf } from '../handlers/shared/executions.ts';
import { findHistory, type HistoryStep, stepsOf } from '../handlers/shared/history.ts';
import { rollBackName } from '../handlers/shared/roll-back-names.ts';

/** An audit event, as the log of a bus contains it. */
export const publishedEvent = z.object({
  'detail-type': z.string(),
  source: z.string(),
  detail: z.object({ metadata: eventMetadata, data: z.record(z.string(), z.unknown()) }),
});
export type PublishedEvent = z.infer<typeof publishedEvent>;

/** The part of an execution's input with its generation. */
const generationInput = z.object({ creation_id: z.string() });

/** A user of the target's pool. */
export interface PoolUser {
  username: string;
  status: string;
  enabled: boolean;
  attributes: Record<string, string>;
  groups: string[];
}

/** Response of one of the APIs; the body is parsed JSON. */
export interface ApiResponse {
  status: number;
  headers: Headers;
  body: unknown;
}

/** The name of a state machine. */
export type Machine =
  | 'ProvisionServiceUser'
  | 'RollBackProvisioning'
  | 'CreateServiceUser'
  | 'RollBackServiceUser';

/** A state that an execution entered. */
export interface StateRun extends HistoryStep {
  /** Error names of its failed attempts, in order. */
  errors: string[];
}

/**
 * Access to the deployed system through its APIs, user pool, executions and logs, as callers and operators have it. The demo
 * and the tests use no other access.
 * @param target the target whose users are provisioned: App2 by default
 */
export function systemOf(outputs: Outputs, target: Target = outputs.app2) {
  const { endpoint, region, app1 } = outputs;
  const credentials = { accessKeyId: outputs.access_key_id, secretAccessKey: outputs.secret_access_key };
  const configuration = { endpoint, region, credentials };
  const stepFunctions = new SFNClient(configuration);
  const cognito = new CognitoIdentityProviderClient(configuration);
  const logs = new CloudWatchLogsClient(configuration);
  const signed = signedFetch(credentials, region);

  const machines: Record<Machine, string> = {
    ProvisionServiceUser: app1.state_machine_arn,
    RollBackProvisioning: app1.roll_back_state_machine_arn,
    CreateServiceUser: target.state_machine_arn,
    RollBackServiceUser: target.roll_back_state_machine_arn,
  };
  const arnOf = (machine: Machine, name: string) => executionArnOf(machines[machine], name);
  const mainOf: Partial<Record<Machine, Machine>> = {
    RollBackProvisioning: 'ProvisionServiceUser',
    RollBackServiceUser: 'CreateServiceUser',
  };

  /** The generation of a provisioning from its execution; `undefined` without an execution. */
  const generationOf = async (machine: Machine, id: string): Promise<string | undefined> => {
    try {
      const { input = '' } = await stepFunctions.send(
        new DescribeExecutionCommand({ executionArn: arnOf(machine, id) }),
      );
      return generationInput.parse(JSON.parse(input)).creation_id;
    } catch (error) {
      if (hasErrorName(error, 'ExecutionDoesNotExist')) return undefined;
      throw error;
    }
  };

  /** ARN of the execution of a provisioning; for a roll-back state machine that of the first roll-back, unless `id` is a full execution name. */
  const executionArn = async (machine: Machine, id: string): Promise<string> => {
    const main = mainOf[machine];
    if (main === undefined || id.includes('.')) return arnOf(machine, id);
    const creation_id = await generationOf(main, id);
    return arnOf(
      machine,
      creation_id === undefined ? id : rollBackName({ provisioning_id: id, creation_id }, 1),
    );
  };

  return {
    outputs,
    clients: { stepFunctions, cognito, logs },
    executionArn,
    generationOf,

    /** `POST /create-service-user` of App1, signed. */
    async provision(
      request: CreateServiceUserRequest | string,
      headers: Record<string, string> = {},
    ): Promise<ApiResponse> {
      const body = typeof request === 'string' ? request : JSON.stringify(request);
      return answerOf(
        await signed(`${app1.api_url}/create-service-user`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body,
        }),
      );
    },

    /** `GET /create-service-user/{id}` of App1, signed. */
    async status(id: string, headers: Record<string, string> = {}, query = ''): Promise<ApiResponse> {
      return answerOf(await signed(`${app1.api_url}/create-service-user/${id}${query}`, { headers }));
    },

    /** `POST /create-service-user/{id}/retry` of App1, signed. */
    async retry(id: string, headers: Record<string, string> = {}): Promise<ApiResponse> {
      return answerOf(
        await signed(`${app1.api_url}/create-service-user/${id}/retry`, { method: 'POST', headers }),
      );
    },

    /** `DELETE /create-service-user/{id}` of App1, signed. */
    async deprovision(id: string, headers: Record<string, string> = {}): Promise<ApiResponse> {
      return answerOf(
        await signed(`${app1.api_url}/create-service-user/${id}`, { method: 'DELETE', headers }),
      );
    },

    /** A request to the target, with or without a token. */
    async app2(
      method: 'GET' | 'POST' | 'DELETE',
      path: string,
      token?: string,
      body?: unknown,
      more?: Record<string, string>,
    ): Promise<ApiResponse> {
      return answerOf(
        await fetch(`${target.api_url}${path}`, {
          method,
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...more,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      );
    },

    /**
     * Signs a service user in and returns its access token.
     * @throws the error of Cognito
     */
    async signIn(username: string, password: string): Promise<string> {
      const { AuthenticationResult } = await cognito.send(
        new InitiateAuthCommand({
          AuthFlow: 'USER_PASSWORD_AUTH',
          ClientId: target.service_client_id,
          AuthParameters: { USERNAME: username, PASSWORD: password },
        }),
      );
      if (AuthenticationResult?.AccessToken === undefined)
        throw new Error('Cognito returned a challenge instead of tokens.');
      return AuthenticationResult.AccessToken;
    },

    /** A user of the target's pool; `undefined` if it does not exist. */
    async user(username: string): Promise<PoolUser | undefined> {
      const key = { UserPoolId: target.user_pool_id, Username: username };
      try {
        const found = await cognito.send(new AdminGetUserCommand(key));
        const { Groups = [] } = await cognito.send(new AdminListGroupsForUserCommand(key));
        return {
          username: found.Username ?? '',
          status: found.UserStatus ?? '',
          enabled: found.Enabled ?? false,
          attributes: Object.fromEntries(
            (found.UserAttributes ?? []).map(({ Name, Value }) => [Name ?? '', Value ?? '']),
          ),
          groups: Groups.map(({ GroupName }) => GroupName ?? ''),
        };
      } catch (error) {
        if (hasErrorName(error, 'UserNotFoundException')) return undefined;
        throw error;
      }
    },

    /** Status of an execution as in DescribeExecution; `undefined` if it does not exist. */
    async executionStatus(machine: Machine, id: string): Promise<string | undefined> {
      try {
        const { status } = await stepFunctions.send(
          new DescribeExecutionCommand({ executionArn: await executionArn(machine, id) }),
        );
        return status;
      } catch (error) {
        if (hasErrorName(error, 'ExecutionDoesNotExist')) return undefined;
        throw error;
      }
    },

    /** The states that an execution entered, in order; empty if it does not exist. */
    async states(machine: Machine, id: string): Promise<StateRun[]> {
      const events = (await findHistory(stepFunctions, await executionArn(machine, id))) ?? [];
      return stepsOf(events).map((step) => ({
        ...step,
        errors: step.attempts.flatMap(({ error }) => error ?? []),
      }));
    },

    /**
     * The audit events of a provisioning at App1 and at the target, from the logs of the buses.
     * @param since start time of the provisioning, if known: limits the part of the logs that is read
     */
    async events(id: string, since = new Date(0)): Promise<PublishedEvent[]> {
      const found = await Promise.all(
        [app1.event_bus_name, target.event_bus_name].map((bus) =>
          logs.send(
            new FilterLogEventsCommand({
              logGroupName: `/aws/events/${bus}`,
              filterPattern: `"${id}"`,
              startTime: since.getTime(),
            }),
          ),
        ),
      );
      return found
        .flatMap(({ events = [] }) => events)
        .map(({ message }) => publishedEvent.parse(JSON.parse(message ?? '')))
        .filter(({ detail }) => detail.metadata.provisioning_id === id)
        .sort((a, b) => a.detail.metadata.occurred_at.localeCompare(b.detail.metadata.occurred_at));
    },
  };
}

export type System = ReturnType<typeof systemOf>;

async function answerOf(response: Response): Promise<ApiResponse> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}
