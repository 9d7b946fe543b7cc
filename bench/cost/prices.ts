/**
 * Prices in US dollars, us-east-1, without free tiers and discounts. `page` is where AWS says it, `seen` when it was
 * read and where from: `AWS` its page itself; `others` pages of third parties that quote it; `memory` nothing
 * that could be looked at here: compare it with the page before relying on it.
 */
export interface Price {
  readonly usd: number;
  readonly per: string;
  readonly page: string;
  readonly seen: 'AWS' | 'others' | 'memory';
  readonly on: string;
}

const aws = (page: string): Pick<Price, 'page'> => ({ page: `https://aws.amazon.com/${page}/pricing/` });

export const prices = {
  /** One transition of a Standard workflow; retries count. */
  transition: {
    usd: 0.025 / 1_000,
    per: 'state transition',
    ...aws('step-functions'),
    seen: 'AWS',
    on: '2026-11-25',
  },
  /** Express: per execution, and per GB-second in steps of 64 MB and 100 ms. */
  expressRequest: {
    usd: 1 / 1e6,
    per: 'Express execution',
    ...aws('step-functions'),
    seen: 'others',
    on: '2026-11-22',
  },
  expressGbSecond: {
    usd: 0.000_016_67,
    per: 'GB-second of Express',
    ...aws('step-functions'),
    seen: 'others',
    on: '2026-11-22',
  },
  invocation: {
    usd: 0.2 / 1e6,
    per: 'Lambda invocation',
    ...aws('lambda'),
    seen: 'others',
    on: '2026-11-25',
  },
  lambdaGbSecond: {
    usd: 0.000_013_333_4,
    per: 'GB-second of Lambda on arm64',
    ...aws('lambda'),
    seen: 'others',
    on: '2026-11-25',
  },
  kms: { usd: 0.03 / 10_000, per: 'KMS request', ...aws('kms'), seen: 'others', on: '2026-11-25' },
  kmsKey: { usd: 1, per: 'KMS key and month', ...aws('kms'), seen: 'AWS', on: '2026-11-25' },
  restRequest: {
    usd: 3.5 / 1e6,
    per: 'request to a REST API',
    ...aws('api-gateway'),
    seen: 'others',
    on: '2026-11-22',
  },
  event: {
    usd: 1 / 1e6,
    per: 'event of up to 64 KB',
    ...aws('eventbridge'),
    seen: 'others',
    on: '2026-11-25',
  },
  secretRead: {
    usd: 0.05 / 10_000,
    per: 'Secrets Manager call',
    ...aws('secrets-manager'),
    seen: 'memory',
    on: '2026-11-22',
  },
  /** On demand, halved in November 2024; pages that still quote the double are older. One write of up to 1 KB. */
  writeUnit: {
    usd: 0.625 / 1e6,
    per: 'write request unit of DynamoDB',
    ...aws('dynamodb'),
    seen: 'others',
    on: '2026-11-25',
  },
  /** One read of up to 4 KB that is strongly consistent, two that are not. */
  readUnit: {
    usd: 0.125 / 1e6,
    per: 'read request unit of DynamoDB',
    ...aws('dynamodb'),
    seen: 'others',
    on: '2026-11-25',
  },
  secret: { usd: 0.4, per: 'secret and month', ...aws('secrets-manager'), seen: 'memory', on: '2026-11-22' },
  logGb: { usd: 0.5, per: 'GB into CloudWatch Logs', ...aws('cloudwatch'), seen: 'others', on: '2026-11-25' },
  alarm: {
    usd: 0.1,
    per: 'alarm on one metric and month',
    ...aws('cloudwatch'),
    seen: 'memory',
    on: '2026-11-22',
  },
  metric: {
    usd: 0.3,
    per: 'custom metric and month',
    ...aws('cloudwatch'),
    seen: 'others',
    on: '2026-11-25',
  },
  dashboard: {
    usd: 3,
    per: 'dashboard and month',
    ...aws('cloudwatch'),
    seen: 'others',
    on: '2026-11-25',
  },
  trace: { usd: 5 / 1e6, per: 'trace recorded by X-Ray', ...aws('xray'), seen: 'memory', on: '2026-11-22' },
  /** A user counts in a month in which it is made, changed or signs in. */
  activeUser: {
    usd: 0.015,
    per: 'active user and month of Cognito Essentials, beyond 10,000',
    ...aws('cognito'),
    seen: 'others',
    on: '2026-11-22',
  },
} as const satisfies Record<string, Price>;

/** Active users of Cognito Essentials that cost nothing, a month. */
export const FREE_ACTIVE_USERS = 10_000;
