import { describeExecutionQuota, statusPollsPerSecond } from '../../contracts/quotas.ts';
import type { Counts } from '../count/counts.ts';
import type { CountResults } from '../count/results.ts';
import { FREE_ACTIVE_USERS, type Price, prices } from './prices.ts';

/** What something costs in US dollars, by service. */
export type Cost = Readonly<Record<string, number>>;

type Counted = CountResults['paths'][string];

/** X-Ray records the first request of each second and 5 % of the others. docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html */
const SAMPLED = 0.05;

export const totalOf = (cost: Cost): number => Object.values(cost).reduce((sum, part) => sum + part, 0);

/** GB-seconds of all functions. Milliseconds are charged as they are counted, whatever waits in them. */
export const gigabyteSeconds = (functions: Counted['functions'], memory?: number): number =>
  Object.values(functions).reduce(
    (sum, one) => sum + ((memory ?? one.memory) / 1_024) * (one.milliseconds / 1_000),
    0,
  );

/** A read that is eventually consistent takes half a unit. docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html */
export const LOOSE_READ = prices.readUnit.usd / 2;

/** What one provisioning costs that was counted so. */
export function costOf({ counts, functions, log_bytes }: Counted): Cost {
  return {
    'Step Functions': counts.transitions * prices.transition.usd,
    Lambda:
      counts.invocations * prices.invocation.usd + gigabyteSeconds(functions) * prices.lambdaGbSecond.usd,
    KMS: counts.kms * prices.kms.usd,
    'API Gateway': requestsTo(counts) * prices.restRequest.usd,
    EventBridge: counts.events * prices.event.usd,
    DynamoDB: counts.dynamodb_writes * prices.writeUnit.usd + counts.dynamodb_reads * LOOSE_READ,
    'Secrets Manager': counts.secrets_manager * prices.secretRead.usd,
    'CloudWatch Logs': (log_bytes / 2 ** 30) * prices.logGb.usd,
    'X-Ray': SAMPLED * prices.trace.usd,
  };
}

/** Those of App1's caller, without its looking at the status, and those of App1 to App2. */
const requestsTo = ({ http }: Counts): number => 1 + http;

/** Other ways to do the same, of which the parts are taken that the same counts tell. */
export interface Alternative {
  title: string;
  cost: Cost;
  /** What it gives up. */
  lacks: string;
}

/** An Express execution is charged for at least this, in GB. aws.amazon.com/step-functions/pricing */
const EXPRESS_GB = 64 / 1_024;

export function alternatives(good: Counted): Alternative[] {
  const { counts, functions, log_bytes } = good;
  const ours = costOf(good);
  const own = (names: readonly string[]) =>
    Object.entries(functions).filter(([name]) => names.includes(name));
  const steps = Object.fromEntries(
    own([
      'app1-start-provisioning',
      'app1-encrypt-credentials',
      'app2-decrypt-credentials',
      'app2-create-user',
      'app2-set-password',
      'app2-add-to-group',
    ]),
  );
  const seconds = waited(functions);
  return [
    {
      title: 'One synchronous Lambda function',
      cost: {
        Lambda: prices.invocation.usd + gigabyteSeconds(steps) * prices.lambdaGbSecond.usd,
        // One encryption less: nothing is handed over.
        KMS: prices.kms.usd,
        'API Gateway': prices.restRequest.usd,
        EventBridge: prices.event.usd,
        'CloudWatch Logs': ((log_bytes / 2 ** 30) * prices.logGb.usd) / counts.invocations,
        'X-Ray': SAMPLED * prices.trace.usd,
      },
      lacks:
        'Both services are one; nothing is queued, so what is too much for Cognito fails; what a crash leaves half-made stays; a caller whose connection breaks does not know; nothing can be cancelled, looked at or retried by step.',
    },
    {
      title: 'SDK integrations instead of functions for the steps',
      cost: {
        ...ours,
        Lambda:
          4 * prices.invocation.usd +
          gigabyteSeconds(
            Object.fromEntries(
              own(['app1-start-provisioning', 'app1-call-app2', 'app2-start-user-creation']),
            ),
          ) *
            prices.lambdaGbSecond.usd,
      },
      lacks:
        'The decrypted password stands in the execution history for 90 days, readable in the console (decision 2 of the design); a lost answer of `CreateUser` cannot be told from somebody else’s user without more states, each charged.',
    },
    {
      title: 'Express workflows',
      cost: {
        ...ours,
        'Step Functions':
          2 * (prices.expressRequest.usd + EXPRESS_GB * rounded(seconds) * prices.expressGbSecond.usd),
        // Express keeps no history: what is to be seen of it must be logged, about what our functions log.
        'CloudWatch Logs': 2 * (log_bytes / 2 ** 30) * prices.logGb.usd,
      },
      lacks:
        'At least once instead of exactly once; no unique names (one key, one provisioning needs a table); at most 5 minutes, while an undo may have to wait for hours; no history, no `StopExecution`.',
    },
  ];
}

/** Seconds for which App1 waits for App2, which is nearly all that a provisioning takes. */
const waited = (functions: Counted['functions']): number =>
  (functions['app1-call-app2']?.milliseconds ?? 0) / 1_000;

/** Express charges in steps of 100 ms. */
const rounded = (seconds: number): number => Math.ceil(seconds * 10) / 10;

/** Of how many provisionings a second App2 polls the status, unless it is set; the others are announced. */
export const POLLS_PER_SECOND = statusPollsPerSecond(describeExecutionQuota.perSecond);

/** Seconds of a month of 30 days. */
export const MONTH = 30 * 24 * 3_600;

/** What one costs of which the end is waited for, and one of which it is announced. */
export interface Ways {
  waited: Cost;
  announced: Cost;
}

/** What a month costs at so many provisionings a second: their use, by service; what stands; and the users. */
export function month(perSecond: number, { waited, announced }: Ways, stands: Cost) {
  const provisionings = perSecond * MONTH;
  const waits = Math.min(perSecond, POLLS_PER_SECOND) * MONTH;
  const use = Object.fromEntries(
    Object.entries(waited).map(([service, usd]) => [
      service,
      waits * usd + (provisionings - waits) * (announced[service] ?? 0),
    ]),
  );
  return {
    provisionings,
    use,
    fixed: totalOf(stands),
    users: Math.max(0, provisionings - FREE_ACTIVE_USERS) * prices.activeUser.usd,
  };
}

/** How many resources of each type a deployment has. */
export type Resources = Readonly<Record<string, number>>;

/** What of the resources is charged for as long as it stands. */
const STANDING: Record<string, Price> = {
  'AWS::KMS::Key': prices.kmsKey,
  'AWS::SecretsManager::Secret': prices.secret,
  'AWS::CloudWatch::Alarm': prices.alarm,
  'AWS::Logs::MetricFilter': prices.metric,
  'AWS::CloudWatch::Dashboard': prices.dashboard,
};

/** What stands, whether it is used or not, a month. */
export const fixedCost = (resources: Resources): Cost =>
  Object.fromEntries(
    Object.entries(STANDING).map(([type, { usd }]) => [
      `${resources[type] ?? 0} × ${type}`,
      (resources[type] ?? 0) * usd,
    ]),
  );
