import { type SampleReply, sampleRequest } from '../../contracts/app2-api.ts';
import { type ApiHandler, api, json, readBody } from '../shared/api.ts';
import { RequestProblem } from '../shared/problem.ts';

/** `POST /sample`: an example of a business endpoint. The authorizer admits only service users. */
export const sample: ApiHandler = async (event) => {
  const { data } = readBody(event, sampleRequest);
  const username: unknown = event.requestContext.authorizer?.['username'];
  if (typeof username !== 'string') throw new RequestProblem('UNAUTHENTICATED');
  const reply: SampleReply = { username, received: data };
  return json(200, reply);
};

export const handler = api(sample);
