import { createHash } from 'node:crypto';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { endpoint, region, root } from './clients.ts';

/** A response of a service with a JSON protocol. */
export interface RawAnswer {
  status: number;
  body: unknown;
}

/** A signed request in a JSON protocol, with the header of its body's hash. */
export function signed(service: string, target: string, body: string) {
  const { host, hostname, port, protocol } = new URL(endpoint);
  const signer = new SignatureV4({ service, region, credentials: root, sha256: Sha256 });
  return signer.sign({
    method: 'POST',
    protocol,
    hostname,
    port: Number(port),
    path: '/',
    headers: {
      host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': target,
      'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
    },
    body,
  });
}

/** Sends the request unchanged: an SDK would complete or reject it. */
export async function post(service: string, target: string, fields: object): Promise<RawAnswer> {
  const body = JSON.stringify(fields);
  const { headers } = await signed(service, target, body);
  const response = await fetch(endpoint, { method: 'POST', headers, body });
  return { status: response.status, body: await response.json() };
}
