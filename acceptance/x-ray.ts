import { STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import type { Connection } from '../cli/connect.ts';
import { signedFetch } from '../cli/signed-fetch.ts';
import type { DeployedSystem } from './system.ts';

/** The response of BatchGetTraces; a segment is a JSON document. */
const traces = z.object({
  Traces: z
    .array(z.object({ Segments: z.array(z.object({ Document: z.string() })).default([]) }))
    .default([]),
});
const segment = z.object({ name: z.string() });

/** The names of the segments of a trace, in the accounts of both services. */
export async function readSegmentNames({ app1, app2 }: DeployedSystem, traceId: string): Promise<string[]> {
  const connections = new Set([app1.connection, app2.connection]);
  const found = await Promise.all([...connections].map((connection) => segmentsIn(connection, traceId)));
  return found.flat();
}

/**
 * Sends one signed request, instead of a dependency on the SDK's client of X-Ray.
 * docs.aws.amazon.com/xray/latest/api/API_BatchGetTraces.html
 * @throws Error when X-Ray rejects the request
 */
async function segmentsIn(connection: Connection, traceId: string): Promise<string[]> {
  const { config } = connection.client(STSClient);
  const send = signedFetch(config.credentials, config.region, 'xray');
  const response = await send(new URL('/Traces', endpointIn(await config.region())).href, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ TraceIds: [traceId] }),
  });
  if (!response.ok) throw new Error(`X-Ray returned ${response.status}`);
  return segmentNames(await response.json());
}

/** docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html */
const endpointIn = (region: string): string =>
  process.env['AWS_ENDPOINT_URL_XRAY'] ??
  process.env['AWS_ENDPOINT_URL'] ??
  `https://xray.${region}.amazonaws.com`;

/** The names of all segments in a response of X-Ray. */
export function segmentNames(response: unknown): string[] {
  const { Traces } = traces.parse(response);
  return Traces.flatMap(({ Segments }) => Segments).map(
    ({ Document }) => segment.parse(JSON.parse(Document)).name,
  );
}
