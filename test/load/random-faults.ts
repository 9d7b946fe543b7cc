import type { FaultEffect, FaultRule } from '../../local/harness/faults/rules.ts';

/** The random faults of a call, each with the same probability. The APIs throttle with status 429, AWS with 400. */
const effects = (service: string): readonly FaultEffect[] => [
  { error: { code: 'ThrottlingException', status: service === 'execute-api' ? 429 : 400 } },
  { error: { code: 'InternalFailure', status: 500 } },
  { reset: true },
  { response: { abort_bytes: 0 } },
];

/** The services that a provisioning calls. Requests of App1's callers do not pass the proxy. */
const services = [
  'cognito-idp',
  'kms',
  'stepfunctions',
  'dynamodb',
  'events',
  'execute-api',
  'secretsmanager',
];

/**
 * Rules by which a part of all calls fails at random. The first rule that fires decides, so the later ones have a higher
 * probability.
 */
export const randomFaults = (part: number): FaultRule[] =>
  services.flatMap((service) =>
    effects(service).map((effect, n, { length }) => {
      const each = part / length;
      return { service, ...effect, probability: each / (1 - n * each) };
    }),
  );
