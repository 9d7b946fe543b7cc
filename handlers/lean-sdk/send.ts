import { setTimeout } from 'node:timers/promises';
import { HttpRequest, loadJsonRpcErrorCode } from '@smithy/core/protocols';
import { isThrottlingError, isTransientError } from '@smithy/core/retry';
import { type NodeHttpHandler, streamCollector } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from './sha256.ts';

/** An API of AWS. */
export interface Service {
  /** First label of its host name. docs.aws.amazon.com/general/latest/gr/aws-service-information.html */
  host: string;
  /** Name under which its requests are signed. */
  signing: string;
}

/** A request before it is signed. */
export interface Call {
  /** POST unless given; what is got has no body. */
  method?: 'GET';
  path: string;
  query?: Record<string, string>;
  headers: Record<string, string>;
  body: string | Uint8Array;
  /** Whether it carries its own proof, and no signature. */
  unsigned?: boolean;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** As `aws-clients.ts` sets it. */
export interface Settings {
  maxAttempts: number;
  requestHandler: Pick<NodeHttpHandler, 'handle'>;
}

/** Of one call, with all of its attempts. */
export interface Options {
  abortSignal?: AbortSignal;
}

/** Longest pauses before a second attempt in milliseconds, those of the SDK's standard mode. */
const PAUSE = { throttled: 500, otherwise: 100 };

/**
 * Sends a call as often as the settings allow while its failure may pass.
 * docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 * @throws Error by the name that AWS gives it, with `$metadata`; what the HTTP handler throws when there is no answer
 */
export async function send(
  service: Service,
  call: Call,
  settings: Settings,
  options: Options = {},
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(service, call, settings, options);
    } catch (error) {
      if (!isError(error)) throw error;
      Object.assign(error, { $metadata: { ...error.$metadata, attempts: attempt } });
      const throttled = isThrottlingError(error);
      if (attempt >= settings.maxAttempts || (!throttled && !isTransientError(error))) throw error;
      await setTimeout(Math.random() * (throttled ? PAUSE.throttled : PAUSE.otherwise));
    }
  }
}

/** What the SDK's rules of retrying look at. */
type SdkError = Parameters<typeof isTransientError>[0];
const isError = (error: unknown): error is SdkError => typeof error === 'object' && error !== null;

async function once(
  service: Service,
  call: Call,
  { requestHandler }: Settings,
  options: Options,
): Promise<Answer> {
  const region = variable('AWS_REGION');
  const { protocol, hostname, port, host } = endpointOf(service, region);
  const request = new HttpRequest({
    method: call.method ?? 'POST',
    protocol,
    hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    path: call.path,
    ...(call.query === undefined ? {} : { query: call.query }),
    headers: {
      host,
      'user-agent': userAgent(),
      ...(call.method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(call.body)) }),
      ...traceHeader(),
      ...call.headers,
    },
    ...(call.method === 'GET' ? {} : { body: call.body }),
  });
  const ready = call.unsigned ? request : await signed(request, service, region);
  const { response } = await requestHandler.handle(ready, options);
  const body = Buffer.from(await streamCollector(response.body));
  const answer = { status: response.statusCode, headers: response.headers, body };
  if (answer.status >= 300) throw errorOf(answer);
  return answer;
}

async function signed(request: HttpRequest, { signing }: Service, region: string): Promise<HttpRequest> {
  const signer = new SignatureV4({ service: signing, region, sha256: Sha256, credentials: credentials() });
  return HttpRequest.clone(await signer.sign(request));
}

/** docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html */
function endpointOf({ host }: Service, region: string): URL {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return new URL(process.env['AWS_ENDPOINT_URL'] || `https://${host}.${region}.${suffix}`);
}

/** What Lambda sets for every function. docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`The environment has no ${name}.`);
  return value;
}

/** Those of the function's role, which are the same as long as the process lives. */
function credentials() {
  const sessionToken = process.env['AWS_SESSION_TOKEN'];
  return {
    accessKeyId: variable('AWS_ACCESS_KEY_ID'),
    secretAccessKey: variable('AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken ? { sessionToken } : {}),
  };
}

/** docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html */
function userAgent(): string {
  const app = process.env['AWS_SDK_UA_APP_ID'];
  return `cross-service-provisioning lang/js md/nodejs#${process.versions.node}${app ? ` app/${app}` : ''}`;
}

/** The trace goes on with the call. docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader */
function traceHeader(): Record<string, string> {
  const trace = process.env['_X_AMZN_TRACE_ID'];
  return trace ? { 'X-Amzn-Trace-Id': trace } : {};
}

/** An error as the SDK makes it, as far as it is looked at: its name, what AWS said, and how. */
function errorOf({ status, headers, body }: Answer): Error {
  const said = fieldsOf(body);
  const message = said['message'] ?? said['Message'];
  const error = new Error(typeof message === 'string' ? message : 'UnknownError');
  error.name = loadJsonRpcErrorCode({ headers, statusCode: status }, said) ?? 'UnknownError';
  return Object.assign(error, {
    $fault: status < 500 ? 'client' : 'server',
    $metadata: metadataOf({ status, headers }),
    // What a conditional write of DynamoDB has found instead.
    ...('Item' in said ? { Item: said['Item'] } : {}),
  });
}

export const metadataOf = ({ status, headers }: Pick<Answer, 'status' | 'headers'>) => ({
  httpStatusCode: status,
  requestId: headers['x-amzn-requestid'],
});

/** What a proxy between here and AWS answers may be anything, and its text must not be quoted. */
function fieldsOf(body: Buffer): Record<string, unknown> {
  try {
    const fields: unknown = JSON.parse(body.toString('utf8') || '{}');
    return typeof fields === 'object' && fields !== null ? { ...fields } : {};
  } catch {
    return {};
  }
}
