import type { IUserPool, IUserPoolClient } from 'aws-cdk-lib/aws-cognito';
import type { ServiceAlarms } from './constructs/service-alarms.ts';
import type { Graph } from './constructs/service-dashboard.ts';
import { awsMetric, type MetricOptions, ownMetric, Stats } from './metrics.ts';
import { functionNamed } from './names.ts';

/** What is watched of App2 alone: who signs in to its pool, and whether their tokens can be checked. */

interface SignIns {
  pool: IUserPool;
  machineClient: IUserPoolClient;
  serviceClient: IUserPoolClient;
}

const sum = (label?: string): MetricOptions => ({
  statistic: Stats.SUM,
  ...(label === undefined ? {} : { label }),
});
const authorizer = { service: functionNamed('app2', 'authorizer') };

const signIns = (
  { pool }: SignIns,
  client: IUserPoolClient,
  name: 'SignInSuccesses' | 'SignInThrottles',
  label?: string,
) =>
  awsMetric(
    'AWS/Cognito',
    name,
    { UserPool: pool.userPoolId, UserPoolClient: client.userPoolClientId },
    sum(label),
  );

export function alarmsOfSignIns(alarms: ServiceAlarms, of: SignIns): void {
  const first = 'npx provision doctor';
  alarms.add('MachineSignInThrottled', 'machine-sign-in-throttled', {
    happened: 'Cognito has refused App1 a sign-in, because too many are asked for.',
    means: 'App1 gets no token, so provisionings wait in retries.',
    first,
    runbook: 'throttling',
    // App1 signs in once in a quarter of an hour for each of its function's environments: none should be refused.
    metric: signIns(of, of.machineClient, 'SignInThrottles'),
  });
  alarms.add('UserSignInThrottled', 'user-sign-in-throttled', {
    happened:
      'Cognito has refused ten sign-ins of service users or more within five minutes, because too many are asked for.',
    means:
      'Service users cannot work, and what they use up of the quota is missing for App1. Or somebody tries passwords.',
    first,
    runbook: 'throttling',
    // A few are a client that starts everything at once, and tries again.
    metric: signIns(of, of.serviceClient, 'SignInThrottles'),
    threshold: 10,
  });
  alarms.add('AuthorizerFailures', 'authorizer-failures', {
    happened:
      'Three tokens or more could not be checked within five minutes; the authorizer answered with 500.',
    means:
      'Whoever has a good token is turned away: App1, whose provisionings wait in retries, and service users.',
    first,
    runbook: 'api-errors',
    // The pool's keys are asked for again each time; one failure is a hiccup of the network. Bad tokens do not count.
    metric: ownMetric('authorizerFailures', authorizer, sum()),
    threshold: 3,
  });
}

export function graphsOfSignIns(of: SignIns): Graph[] {
  return [
    {
      title: 'Sign-ins',
      metrics: [
        signIns(of, of.machineClient, 'SignInSuccesses', 'App1'),
        signIns(of, of.serviceClient, 'SignInSuccesses', 'service users'),
        signIns(of, of.machineClient, 'SignInThrottles', 'App1, throttled'),
        signIns(of, of.serviceClient, 'SignInThrottles', 'service users, throttled'),
      ],
    },
    {
      title: 'Tokens that could not be checked',
      metrics: [ownMetric('authorizerFailures', authorizer, sum('tokens'))],
    },
  ];
}
