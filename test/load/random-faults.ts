import type { FaultEffect, FaultRule } from '../../local/harness/faults/rules.ts';

/** What happens to a call by chance, each as often as the others; of an API with a status of its own for "too many". */
const effects = (service: string): readonly FaultEffect[] => [
  { error: { code: 'ThrottlingException', status: service === 'execute-api' ? 429 : 400 } },
  { error: { code: 'InternalFailure', status: 500 } },
  { reset: true },
  { response: { abort_bytes: 0 } },
];

/** All that a provisioning calls. What the callers of App1 do does not pass the proxy. */
const services = [
  'cognito-idp',
  'kms',
  'stepfunctions',
  'dynamodb',
  'events',
  'execute-api',
  'secretsmanager',
];

/** Rules by which so many of all calls fail, at random. The first one that fires decides, so the later ones fire more. */
export const randomFaults = (part: number): FaultRule[] =>
  services.flatMap((service) =>
    effects(service).map((effect, n, { length }) => {
      const each = part / length;
      return { service, ...effect, probability: each / (1 - n * each) };
    }),
  );
