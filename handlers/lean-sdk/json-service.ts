import { randomUUID } from 'node:crypto';
import { Uint8ArrayBlobAdapter } from '@smithy/core/serde';
import {
  type Answer,
  type Call,
  metadataOf,
  type Options,
  type Service,
  type Settings,
  send,
} from './send.ts';

/** A command of one of the services: what is sent for it, and what is made of the answer. */
export interface Command {
  request(): Call;
  output(answer: Answer): object;
}

/** Makes the client of a service: `new Client(settings).send(new SomeCommand(input))`, as that of the SDK. */
export const ownerOf = (service: Service) =>
  class {
    readonly #settings: Settings;

    constructor(settings: Settings) {
      this.#settings = settings;
    }

    async send(command: Command, options?: Options): Promise<object> {
      const answer = await send(service, command.request(), this.#settings, options);
      return { $metadata: metadataOf(answer), ...command.output(answer) };
    }
  };

/** How a service's JSON differs from JavaScript's values: by the names of fields, wherever they are. */
interface JsonService {
  /** Before the operation's name in X-Amz-Target. */
  target: string;
  version: '1.0' | '1.1';
  /** Fields that are bytes, in base64 on the wire. */
  bytes?: readonly string[];
  /** Fields that are times, in seconds since the epoch on the wire. */
  times?: readonly string[];
}

/**
 * Makes the commands of a service that speaks AWS JSON 1.0 or 1.1. `token`: a field that makes a repeated request
 * recognisable, and is made up when it is not given; `unsigned`: an operation that anybody may ask for.
 * smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export const commandsOf =
  ({ target, version, bytes = [], times = [] }: JsonService) =>
  (operation: string, { token, unsigned = false }: { token?: string; unsigned?: boolean } = {}) =>
    class {
      readonly input: object;

      constructor(input: object) {
        this.input = input;
      }

      request(): Call {
        const input = token === undefined ? this.input : { [token]: randomUUID(), ...this.input };
        return {
          path: '/',
          headers: {
            'content-type': `application/x-amz-json-${version}`,
            'x-amz-target': `${target}.${operation}`,
          },
          body: JSON.stringify(toWire(input)),
          unsigned,
        };
      }

      output({ body }: Answer): object {
        const output: unknown = body.length === 0 ? {} : fromWire(parse(body), bytes, times);
        return typeof output === 'object' && output !== null ? output : {};
      }
    };

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // The error of JSON.parse quotes the answer, which may be a secret.
    throw Object.assign(new Error('AWS did not answer with JSON.'), { name: 'SyntaxError' });
  }
}

function toWire(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => (field == null ? [] : [[name, toWire(field)]])),
  );
}

function fromWire(value: unknown, bytes: readonly string[], times: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((element) => fromWire(element, bytes, times));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
      if (field === null) return [];
      if (typeof field === 'string' && bytes.includes(name))
        return [[name, Uint8ArrayBlobAdapter.fromString(field, 'base64')]];
      if (typeof field === 'number' && times.includes(name)) return [[name, new Date(field * 1000)]];
      return [[name, fromWire(field, bytes, times)]];
    }),
  );
}
