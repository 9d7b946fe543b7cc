import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { cleanEnds } from '../../contracts/ends.ts';
import { provisioningInput } from '../../contracts/executions.ts';
import { provisioningId } from '../../contracts/fields.ts';
import { preferredWait } from '../../contracts/headers.ts';
import { type ApiHandler, api, header, json } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { describe, settle, systemClock } from '../shared/executions.ts';
import { RequestProblem } from '../shared/problem.ts';
import { statusOf } from '../shared/status.ts';
import { environments } from './environments.ts';
import { ownerOf } from './owner.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: z.infer<(typeof environments)['get-provisioning']>;
  clock: Parameters<typeof settle>[2];
}

/** `GET /create-service-user/{provisioning_id}`: the owner sees the state, everybody else the same 404. */
export const getProvisioning =
  ({ stepFunctions, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const id = provisioningId.safeParse(event.pathParameters?.['provisioning_id']);
    if (!id.success) throw new RequestProblem('NOT_FOUND');

    const look = () => describe(stepFunctions, environment.STATE_MACHINE_ARN, id.data, provisioningInput);
    const first = await look();
    if (first === undefined || first.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    const wait = preferredWait(header(event, 'Prefer'));
    const found =
      first.status === 'RUNNING' && wait > 0 ? ((await settle(look, wait, clock)) ?? first) : first;

    const headers = wait > 0 ? { 'Preference-Applied': `wait=${wait}` } : undefined;
    return json(200, statusOf(found, cleanEnds.app1), headers);
  };

export const handler = api(
  getProvisioning({
    stepFunctions: apiClient(SFNClient),
    environment: readEnvironment(environments['get-provisioning']),
    clock: systemClock,
  }),
);
