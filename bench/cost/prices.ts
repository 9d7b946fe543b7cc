/**
 * Prices in US dollars for us-east-1, without free tiers and discounts. `page` is AWS's page with the price, `source` is
 * where it was read: `AWS` on that page; `others` on pages of third parties that quote it; `unverified` nowhere, so compare
 * it with the page before you rely on it. `readOn` is the date.
 */
export interface Price {
  readonly usd: number;
  readonly per: string;
  readonly page: string;
  readonly source: 'AWS' | 'others' | 'unverified';
  readonly readOn: string;
}

const aws = (page: string): Pick<Price, 'page'> => ({ page: `https://aws.amazon.com/${page}/pricing/` });

export const prices = {
  /** One transition of a Standard workflow; AWS charges retries, too. */
  transition: {
    usd: 0.025 / 1_000,
    per: 'state transition',
    ...aws('step-functions'),
    source: 'AWS',
    readOn: '2026-11-25',
  },
  /** Express workflows: per execution, and per GB-second in steps of 64 MB and 100 ms. */
  expressRequest: {
    usd: 1 / 1e6,
    per: 'Express execution',
    ...aws('step-functions'),
    source: 'others',
    readOn: '2026-11-22',
  },
  expressGbSecond: {
    usd: 0.000_016_67,
    per: 'GB-second of Express',
    ...aws('step-functions'),
    source: 'others',
    readOn: '2026-11-22',
  },
  invocation: {
    usd: 0.2 / 1e6,
    per: 'Lambda invocation',
    ...aws('lambda'),
    source: 'others',
    readOn: '2026-11-25',
  },
  lambdaGbSecond: {
    usd: 0.000_013_333_4,
    per: 'GB-second of Lambda on arm64',
    ...aws('lambda'),
    source: 'others',
    readOn: '2026-11-25',
  },
  kms: { usd: 0.03 / 10_000, per: 'KMS request', ...aws('kms'), source: 'others', readOn: '2026-11-25' },
  kmsKey: { usd: 1, per: 'KMS key and month', ...aws('kms'), source: 'AWS', readOn: '2026-11-25' },
  restRequest: {
    usd: 3.5 / 1e6,
    per: 'request to a REST API',
    ...aws('api-gateway'),
    source: 'others',
    readOn: '2026-11-22',
  },
  event: {
    usd: 1 / 1e6,
    per: 'event of up to 64 KB',
    ...aws('eventbridge'),
    source: 'others',
    readOn: '2026-11-25',
  },
  secretRead: {
    usd: 0.05 / 10_000,
    per: 'Secrets Manager call',
    ...aws('secrets-manager'),
    source: 'unverified',
    readOn: '2026-11-22',
  },
  /** One write of up to 1 KB, on demand. AWS halved the price in November 2024; older pages quote the double. */
  writeUnit: {
    usd: 0.625 / 1e6,
    per: 'write request unit of DynamoDB',
    ...aws('dynamodb'),
    source: 'others',
    readOn: '2026-11-25',
  },
  /** One strongly consistent read of up to 4 KB, or two eventually consistent ones. */
  readUnit: {
    usd: 0.125 / 1e6,
    per: 'read request unit of DynamoDB',
    ...aws('dynamodb'),
    source: 'others',
    readOn: '2026-11-25',
  },
  secret: {
    usd: 0.4,
    per: 'secret and month',
    ...aws('secrets-manager'),
    source: 'unverified',
    readOn: '2026-11-22',
  },
  logGb: {
    usd: 0.5,
    per: 'GB into CloudWatch Logs',
    ...aws('cloudwatch'),
    source: 'others',
    readOn: '2026-11-25',
  },
  alarm: {
    usd: 0.1,
    per: 'alarm on one metric and month',
    ...aws('cloudwatch'),
    source: 'unverified',
    readOn: '2026-11-22',
  },
  metric: {
    usd: 0.3,
    per: 'custom metric and month',
    ...aws('cloudwatch'),
    source: 'others',
    readOn: '2026-11-25',
  },
  dashboard: {
    usd: 3,
    per: 'dashboard and month',
    ...aws('cloudwatch'),
    source: 'others',
    readOn: '2026-11-25',
  },
  trace: {
    usd: 5 / 1e6,
    per: 'trace recorded by X-Ray',
    ...aws('xray'),
    source: 'unverified',
    readOn: '2026-11-22',
  },
  /** A user is active in a month in which it is created, changed or signs in. */
  activeUser: {
    usd: 0.015,
    per: 'active user and month of Cognito Essentials, beyond 10,000',
    ...aws('cognito'),
    source: 'others',
    readOn: '2026-11-22',
  },
} as const satisfies Record<string, Price>;

/** Active users per month in the free tier of Cognito Essentials. */
export const FREE_ACTIVE_USERS = 10_000;
