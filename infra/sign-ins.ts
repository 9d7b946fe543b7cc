import type { IUserPool, IUserPoolClient } from 'aws-cdk-lib/aws-cognito';
import type { ServiceAlarms } from './constructs/service-alarms.ts';
import type { Graph } from './constructs/service-dashboard.ts';
import { awsMetric, type MetricOptions, ownMetric, Stats } from './metrics.ts';
import { functionNamed } from './names.ts';

/** Alarms and graphs that only a target has: the sign-ins to its pool, and the verification of tokens. */

interface SignInResources {
  /** Name of the service. */
  service: string;
  pool: IUserPool;
  machineClient: IUserPoolClient;
  serviceClient: IUserPoolClient;
}

const sum = (label?: string): MetricOptions => ({
  statistic: Stats.SUM,
  ...(label === undefined ? {} : { label }),
});

const authorizerOf = ({ service }: SignInResources) => ({ service: functionNamed(service, 'authorizer') });

const signIns = (
  { pool }: SignInResources,
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

export function addSignInAlarms(alarms: ServiceAlarms, resources: SignInResources): void {
  const firstCommand = 'npx provision doctor';
  alarms.add('MachineSignInThrottled', 'machine-sign-in-throttled', {
    condition: 'Cognito has throttled a sign-in of App1.',
    impact: 'App1 gets no token, so its steps are retried and provisionings take longer.',
    firstCommand,
    runbook: 'throttling',
    // App1 signs in once in 15 minutes per execution environment of its function: no sign-in should be throttled.
    metric: signIns(resources, resources.machineClient, 'SignInThrottles'),
  });
  alarms.add('UserSignInThrottled', 'user-sign-in-throttled', {
    condition: 'Cognito has throttled ten sign-ins of service users or more within five minutes.',
    impact:
      'Service users cannot sign in, and App1 shares the quota. The cause can be an attempt to guess passwords.',
    firstCommand,
    runbook: 'throttling',
    // A few can be a client that starts all its processes at once and retries.
    metric: signIns(resources, resources.serviceClient, 'SignInThrottles'),
    threshold: 10,
  });
  alarms.add('AuthorizerFailures', 'authorizer-failures', {
    condition: 'The authorizer could not verify three tokens or more within five minutes, and returned 500.',
    impact:
      'Requests with a valid token fail: those of App1, whose steps are retried, and those of service users.',
    firstCommand,
    runbook: 'api-errors',
    // The authorizer fetches the pool's keys again each time; one failure can be the network. Invalid tokens do not count.
    metric: ownMetric('authorizerFailures', authorizerOf(resources), sum()),
    threshold: 3,
  });
}

export function signInGraphs(resources: SignInResources): Graph[] {
  return [
    {
      title: 'Sign-ins',
      metrics: [
        signIns(resources, resources.machineClient, 'SignInSuccesses', 'App1'),
        signIns(resources, resources.serviceClient, 'SignInSuccesses', 'service users'),
        signIns(resources, resources.machineClient, 'SignInThrottles', 'App1, throttled'),
        signIns(resources, resources.serviceClient, 'SignInThrottles', 'service users, throttled'),
      ],
    },
    {
      title: 'Tokens that could not be verified',
      metrics: [ownMetric('authorizerFailures', authorizerOf(resources), sum('tokens'))],
    },
  ];
}
