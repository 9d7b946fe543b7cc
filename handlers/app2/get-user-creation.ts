import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { provisioningId } from '../../contracts/fields.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { type ApiHandler, api, json } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, systemClock } from '../shared/executions.ts';
import { ownedExecution } from '../shared/owned-execution.ts';
import { RequestProblem } from '../shared/problem.ts';
import { currentProgress } from '../shared/roll-backs.ts';
import { retryAfter } from '../shared/status.ts';
import { availableTimeline } from '../shared/timeline.ts';
import { waitingForOf } from '../shared/waiting-for.ts';
import { environments } from './lib/environments.ts';
import { finishedUser } from './lib/finished-user.ts';
import { generationOf, isRequested } from './lib/generation.ts';
import { creations, findCreation, ownerOf, usernameOf } from './lib/user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  environment: z.infer<(typeof environments)['get-user-creation']>;
  clock: Clock;
}

/**
 * `GET /admin/create-user/{provisioning_id}`: the status for the owner; a 404 for other clients and for another
 * generation. With `?include=timeline` also the steps at this service.
 *
 * With `?username=` the user is read from the pool first: a finished user needs no DescribeExecution.
 */
export const getUserCreation =
  ({ stepFunctions, cognito, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const errors: FieldError[] = [];
    const requestedGeneration = generationOf(event, errors);
    const username = usernameOf(event, errors);
    if (errors.length > 0) throw new RequestProblem('INVALID_REQUEST', errors);
    const id = provisioningId.safeParse(event.pathParameters?.['provisioning_id']);
    if (id.success && username !== undefined) {
      const finished = await finishedUser(
        { cognito, userPoolId: environment.USER_POOL_ID, group: environment.SERVICE_USER_GROUP },
        { provisioning_id: id.data, creation_id: requestedGeneration, owner },
        username,
      );
      if (finished !== undefined) return json(200, finished);
    }
    const findRequested = async (name: string) => {
      const creation = await findCreation(stepFunctions, environment, name);
      return creation !== undefined && isRequested(requestedGeneration, creation.parsedInput)
        ? creation
        : undefined;
    };
    const { execution, headers, withTimeline } = await ownedExecution(event, {
      owner,
      describe: findRequested,
      clock,
    });
    const workflows = creations(stepFunctions, environment);
    const { status: current, latest } = await currentProgress(workflows, execution);
    const waiting_for = await waitingForOf(stepFunctions, latest, environment.SERVICE, clock.now());
    const status = { ...current, ...(waiting_for === undefined ? {} : { waiting_for }) };
    const allHeaders = { ...headers, ...retryAfter(status, clock.now()) };
    if (!withTimeline) return json(200, status, allHeaders);
    const timeline = await availableTimeline(environment.SERVICE, workflows, execution.parsedInput);
    return json(200, { ...status, ...timeline }, allHeaders);
  };

export const handler = api(
  getUserCreation({
    stepFunctions: apiClient(SFNClient),
    cognito: apiClient(CognitoIdentityProviderClient),
    environment: readEnvironment(environments['get-user-creation']),
    clock: systemClock,
  }),
);
