import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Node } from 'constructs';
import { describeExecutionQuota } from '../contracts/quotas.ts';
import { RUNBOOKS } from './alarm-text.ts';

/** Options that App1 and every target have. Each has a default. */
export interface ServiceOptions {
  /** Retention of logs, events and data. */
  readonly retention?: {
    /** Retention of all logs; three months by default. */
    readonly logs?: RetentionDays | undefined;
    /** Retention of the event archive in days; 90 by default. */
    readonly archiveDays?: number | undefined;
    /**
     * Removal policy of data, keys and state machines. By default they are retained, and protected against deletion, except
     * in the local AWS. `DESTROY` deletes them with the stack.
     */
    readonly removalPolicy?: RemovalPolicy | undefined;
  };
  /** Receivers of the alarms, and the pages that the alarms refer to. */
  readonly alarms?: {
    /** Email address that is notified of each state change. */
    readonly email?: string | undefined;
    /** ARN of an SNS topic for all alarms, whose policy allows CloudWatch to publish; by default the service has its own. */
    readonly topic?: string | undefined;
    /** URL of a copy of docs/runbooks/; by default the runbooks of this repository. */
    readonly runbooksUrl?: string | undefined;
  };
  /** Accounts that may subscribe to the service's events; none by default. */
  readonly subscribers?: readonly string[] | undefined;
  /** Reserved concurrency of each function that only compensates or rolls back; none by default. */
  readonly compensationConcurrency?: number | undefined;
  /** Whether the bus has a schema registry with the schemas of its events; not by default. */
  readonly schemaRegistry?: boolean | undefined;
  /**
   * An account has one role per region with which API Gateway writes access logs. `set`, the default: the service replaces it
   * with a role of its own. `keep`: the account has a role already.
   */
  readonly apiGatewayLogRole?: 'set' | 'keep' | undefined;
}

/** The options of a service with their defaults, as its constructs use them. */
export interface ServiceSettings {
  /**
   * Removal policy of data, keys and state machines. On AWS they are retained, except when the deployment that creates them
   * is rolled back: otherwise their names would already exist when the deployment is repeated.
   */
  readonly removalPolicy: RemovalPolicy;
  /** Removal policy of resources without a fixed name, and of those that cannot be deleted in a roll-back. */
  readonly unnamedRemovalPolicy: RemovalPolicy;
  /** Whether the user pool has deletion protection. */
  readonly deletionProtection: boolean;
  readonly logRetention: RetentionDays;
  /** Whether X-Ray traces requests through functions and state machines; the local AWS has no X-Ray. */
  readonly tracing: boolean;
  /** URL scheme of the APIs; only the local AWS has no TLS. */
  readonly apiScheme: 'https' | 'http';
  /** Retention of the event archive in days. */
  readonly archiveDays: number;
  /** The account's quota of DescribeExecution per second. */
  readonly describeExecutionsPerSecond: number;
  /** Reserved concurrency of each compensating function. */
  readonly compensationConcurrency: number | undefined;
  /** Accounts that may create rules on the bus. */
  readonly subscriberAccounts: readonly string[];
  /** Whether the stack sets the account's role for API Gateway's logs. */
  readonly setsApiGatewayLogRole: boolean;
  /** Whether the service has a schema registry for its events. */
  readonly schemaRegistry: boolean;
  /** Email address that receives the alarms. */
  readonly alarmEmail: string | undefined;
  /** ARN of a topic for all alarms; by default the service creates one. */
  readonly alarmTopic: string | undefined;
  /** Location of the runbooks, without a trailing slash. */
  readonly runbooks: string;
}

/** The local AWS has no quota of DescribeExecution. */
export const LOCAL_QUOTA = 1_000;

/** Whether the app is synthesized for the local AWS: `-c environment=local`. */
export const isLocal = (node: Node): boolean => node.tryGetContext('environment') === 'local';

/**
 * The settings of a service.
 * @param node the node of a construct of the app, whose context has the environment
 * @param options the options, and the account's quota of DescribeExecution per second
 */
export function serviceSettings(
  node: Node,
  {
    retention = {},
    alarms = {},
    subscribers = [],
    compensationConcurrency,
    schemaRegistry = false,
    apiGatewayLogRole = 'set',
    describeExecutionsPerSecond,
  }: ServiceOptions & { readonly describeExecutionsPerSecond?: number | undefined },
): ServiceSettings {
  const local = isLocal(node);
  const removalPolicy =
    retention.removalPolicy ?? (local ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  const isDeleted = removalPolicy === RemovalPolicy.DESTROY;
  return {
    removalPolicy,
    unnamedRemovalPolicy: isDeleted ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    deletionProtection: !isDeleted,
    logRetention: retention.logs ?? RetentionDays.THREE_MONTHS,
    tracing: !local,
    apiScheme: local ? 'http' : 'https',
    archiveDays: retention.archiveDays ?? 90,
    describeExecutionsPerSecond:
      describeExecutionsPerSecond ?? (local ? LOCAL_QUOTA : describeExecutionQuota.perSecond),
    compensationConcurrency,
    subscriberAccounts: subscribers,
    setsApiGatewayLogRole: apiGatewayLogRole === 'set',
    schemaRegistry,
    alarmEmail: alarms.email,
    alarmTopic: alarms.topic,
    runbooks: alarms.runbooksUrl?.replace(/\/$/, '') ?? RUNBOOKS,
  };
}
