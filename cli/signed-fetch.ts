import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';

/** Credentials that sign a request: of an IAM user, or temporary ones of a role. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface SignedRequest {
  method?: 'GET' | 'POST' | 'DELETE';
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
}

type Provided<Value> = Value | (() => Promise<Value>);

/**
 * `fetch` for APIs with IAM authorization: signs the request with SigV4. The default `service` is API Gateway's.
 * docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
export function signedFetch(
  credentials: Provided<Credentials>,
  region: Provided<string>,
  service = 'execute-api',
) {
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  return async (
    address: string,
    { method = 'GET', headers = {}, body, signal }: SignedRequest = {},
  ): Promise<Response> => {
    const { hostname, port, pathname, protocol, searchParams } = new URL(address);
    const { headers: signedHeaders } = await signer.sign({
      method,
      protocol,
      hostname,
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers: { ...headers, host: port === '' ? hostname : `${hostname}:${port}` },
      ...(body === undefined ? {} : { body }),
    });
    return fetch(address, {
      method,
      headers: signedHeaders,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  };
}
