import { describeExecutionQuota, statusPollsPerSecond } from '../../contracts/quotas.ts';
import type { ServiceKind } from '../../contracts/services.ts';
import type { Counts } from '../count/counts.ts';
import type { CountResults } from '../count/results.ts';
import { FREE_ACTIVE_USERS, type Price, prices } from './prices.ts';

/** A cost in US dollars, by service. */
export type Cost = Readonly<Record<string, number>>;

type CountedPath = CountResults['paths'][string];

/** X-Ray records the first request of each second and 5 % of the others. docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html */
const SAMPLING_RATE = 0.05;

export const totalOf = (cost: Cost): number => Object.values(cost).reduce((sum, part) => sum + part, 0);

/** GB-seconds of all functions. Lambda charges the whole duration, including the time that a function waits. */
export const gigabyteSeconds = (functions: CountedPath['functions'], memory?: number): number =>
  Object.values(functions).reduce(
    (sum, run) => sum + ((memory ?? run.memory) / 1_024) * (run.milliseconds / 1_000),
    0,
  );

/** An eventually consistent read uses half a unit. docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html */
export const EVENTUALLY_CONSISTENT_READ = prices.readUnit.usd / 2;

/** Cost of one provisioning of a path. */
export function costOf({ counts, functions, log_bytes }: CountedPath): Cost {
  return {
    'Step Functions': counts.transitions * prices.transition.usd,
    Lambda:
      counts.invocations * prices.invocation.usd + gigabyteSeconds(functions) * prices.lambdaGbSecond.usd,
    KMS: counts.kms * prices.kms.usd,
    'API Gateway': requestsTo(counts) * prices.restRequest.usd,
    EventBridge: counts.events * prices.event.usd,
    DynamoDB:
      counts.dynamodb_writes * prices.writeUnit.usd + counts.dynamodb_reads * EVENTUALLY_CONSISTENT_READ,
    'Secrets Manager': counts.secrets_manager * prices.secretRead.usd,
    'CloudWatch Logs': (log_bytes / 2 ** 30) * prices.logGb.usd,
    'X-Ray': SAMPLING_RATE * prices.trace.usd,
  };
}

/** The request of App1's caller, without its polls of the status, and the requests of App1 to App2. */
const requestsTo = ({ http }: Counts): number => 1 + http;

/** Another design for the same result, whose cost follows from the same counts. */
export interface Alternative {
  title: string;
  cost: Cost;
  /** Disadvantages. */
  disadvantages: string;
}

/** Minimum memory that AWS charges for an Express execution, in GB. aws.amazon.com/step-functions/pricing */
const EXPRESS_GB = 64 / 1_024;

export function alternatives(provisioned: CountedPath): Alternative[] {
  const { counts, functions, log_bytes } = provisioned;
  const cost = costOf(provisioned);
  const select = (names: readonly string[]) =>
    Object.entries(functions).filter(([name]) => names.includes(name));
  const steps = Object.fromEntries(
    select([
      'app1-start-provisioning',
      'app1-encrypt-credentials',
      'app2-decrypt-credentials',
      'app2-create-user',
      'app2-set-password',
      'app2-add-to-group',
    ]),
  );
  const seconds = secondsOf(functions);
  return [
    {
      title: 'One synchronous Lambda function',
      cost: {
        Lambda: prices.invocation.usd + gigabyteSeconds(steps) * prices.lambdaGbSecond.usd,
        // One KMS request: no ciphertext passes from one service to the other.
        KMS: prices.kms.usd,
        'API Gateway': prices.restRequest.usd,
        EventBridge: prices.event.usd,
        'CloudWatch Logs': ((log_bytes / 2 ** 30) * prices.logGb.usd) / counts.invocations,
        'X-Ray': SAMPLING_RATE * prices.trace.usd,
      },
      disadvantages:
        'Both services are one. Requests above the quotas of Cognito fail, because there is no queue. A crash leaves an unfinished user. A caller whose connection breaks does not know the outcome. There is no cancellation, no status and no retry by step.',
    },
    {
      title: 'SDK integrations instead of functions for the steps',
      cost: {
        ...cost,
        Lambda:
          4 * prices.invocation.usd +
          gigabyteSeconds(
            Object.fromEntries(
              select(['app1-start-provisioning', 'app1-call-target', 'app2-start-user-creation']),
            ),
          ) *
            prices.lambdaGbSecond.usd,
      },
      disadvantages:
        'The execution history contains the decrypted password for 90 days, readable in the console (decision 2 of the design). After a lost response of `CreateUser`, more states, each of them charged, are needed to recognise an unrelated user.',
    },
    {
      title: 'Express workflows',
      cost: {
        ...cost,
        'Step Functions':
          2 * (prices.expressRequest.usd + EXPRESS_GB * rounded(seconds) * prices.expressGbSecond.usd),
        // Express workflows have no history, so they need about as much logging as the functions.
        'CloudWatch Logs': 2 * (log_bytes / 2 ** 30) * prices.logGb.usd,
      },
      disadvantages:
        'At-least-once instead of exactly-once execution. No unique names, so one provisioning per key needs a table. At most 5 minutes, while a compensation may need hours. No history, no `StopExecution`.',
    },
  ];
}

/** Duration of a provisioning in seconds: that of the function with which App1 waits for App2, nearly the whole time. */
const secondsOf = (functions: CountedPath['functions']): number =>
  (functions['app1-call-target']?.milliseconds ?? 0) / 1_000;

/** AWS charges Express workflows in steps of 100 ms. */
const rounded = (seconds: number): number => Math.ceil(seconds * 10) / 10;

/** Provisionings per second whose status App2 polls by default; App1 is notified of the others. */
export const POLLS_PER_SECOND = statusPollsPerSecond(describeExecutionQuota.perSecond);

/** Seconds of a month of 30 days. */
export const MONTH = 30 * 24 * 3_600;

/** Cost of a provisioning whose status is polled, and of one with a completion notification. */
export interface ProvisioningCosts {
  polled: Cost;
  notified: Cost;
}

/** Cost of a month at a rate of provisionings: the use by service, the fixed cost, and the users. */
export function costOfMonth(perSecond: number, { polled, notified }: ProvisioningCosts, fixed: Cost) {
  const provisionings = perSecond * MONTH;
  const polls = Math.min(perSecond, POLLS_PER_SECOND) * MONTH;
  const use = Object.fromEntries(
    Object.entries(polled).map(([service, usd]) => [
      service,
      polls * usd + (provisionings - polls) * (notified[service] ?? 0),
    ]),
  );
  return {
    provisionings,
    use,
    fixed: totalOf(fixed),
    users: Math.max(0, provisionings - FREE_ACTIVE_USERS) * prices.activeUser.usd,
  };
}

/** Number of resources of a stack, by type. */
export type Resources = Readonly<Record<string, number>>;

/** The resources of App1, and of App2 as the example of a target. */
export type DeployedResources = Readonly<Record<ServiceKind, Resources>>;

/** Resource types with a fixed cost per month. */
const FIXED_PRICES: Record<string, Price> = {
  'AWS::KMS::Key': prices.kmsKey,
  'AWS::SecretsManager::Secret': prices.secret,
  'AWS::CloudWatch::Alarm': prices.alarm,
  'AWS::Logs::MetricFilter': prices.metric,
  'AWS::CloudWatch::Dashboard': prices.dashboard,
};

/** Fixed cost of a month of these stacks, whether the resources are used or not. */
export const fixedCost = (...stacks: readonly Resources[]): Cost =>
  Object.fromEntries(
    Object.entries(FIXED_PRICES).map(([type, { usd }]) => {
      const count = stacks.reduce((sum, resources) => sum + (resources[type] ?? 0), 0);
      return [`${count} × ${type}`, count * usd];
    }),
  );
