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
import { generationOf, isMeant } from './lib/generation.ts';
import { creations, findCreation, ownerOf, usernameOf } from './lib/user-creation.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  environment: z.infer<(typeof environments)['get-user-creation']>;
  clock: Clock;
}

/**
 * `GET /admin/create-user/{provisioning_id}`: the client that asked for it sees the state, any other the same 404; so
 * does one that asks for another generation than there is.
 * With `?include=timeline` also the steps that it went through here.
 *
 * With `?username=` the pool is asked first: a user that is finished needs no look at the execution.
 */
export const getUserCreation =
  ({ stepFunctions, cognito, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const errors: FieldError[] = [];
    const asked = generationOf(event, errors);
    const username = usernameOf(event, errors);
    if (errors.length > 0) throw new RequestProblem('INVALID_REQUEST', errors);
    const id = provisioningId.safeParse(event.pathParameters?.['provisioning_id']);
    if (id.success && username !== undefined) {
      const finished = await finishedUser(
        { cognito, userPoolId: environment.USER_POOL_ID, group: environment.SERVICE_USER_GROUP },
        { provisioning_id: id.data, creation_id: asked, owner },
        username,
      );
      if (finished !== undefined) return json(200, finished);
    }
    const look = async (name: string) => {
      const creation = await findCreation(stepFunctions, environment, name);
      return creation !== undefined && isMeant(asked, creation.parsedInput) ? creation : undefined;
    };
    const { execution, headers, withTimeline } = await ownedExecution(event, {
      owner,
      look,
      clock,
    });
    const workflows = creations(stepFunctions, environment);
    const { status: current, latest } = await currentProgress(workflows, execution);
    const waiting_for = await waitingForOf(stepFunctions, latest, 'app2', clock.now());
    const status = { ...current, ...(waiting_for === undefined ? {} : { waiting_for }) };
    const all = { ...headers, ...retryAfter(status, clock.now()) };
    if (!withTimeline) return json(200, status, all);
    const timeline = await availableTimeline('app2', workflows, execution.parsedInput);
    return json(200, { ...status, ...timeline }, all);
  };

export const handler = api(
  getUserCreation({
    stepFunctions: apiClient(SFNClient),
    cognito: apiClient(CognitoIdentityProviderClient),
    environment: readEnvironment(environments['get-user-creation']),
    clock: systemClock,
  }),
);
