import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { recordings } from '../../local/paths.ts';
import { check } from './support.ts';

/**
 * Compares the requests and responses that the earlier suites have recorded at the local AWS with the service models of
 * botocore: members, required members, types, values, errors and their statuses.
 */

const suites = existsSync(recordings) ? readdirSync(recordings).map((name) => join(recordings, name)) : [];

/** Findings that are accepted, because AWS deviates from the models, or for another reason. */
const accepted: readonly { about: RegExp; reason: string }[] = [
  {
    about: /^apigateway\.CreateDeployment .*\.authorizationScopes is not in the model/,
    reason: 'Only tests that seed defects create a deployment, and none reads the summary in the response.',
  },
  {
    about: /^lambda\.AddPermission .*StatementId has \d+ characters/,
    reason:
      'A test restores a permission under the id that the local AWS gave it in a stack, which is longer than those of CloudFormation.',
  },
  {
    about:
      /^(accessanalyzer\.ValidatePolicy|service-quotas\.ListServiceQuotas) : response: an error without a code/,
    reason:
      'The local AWS does not have these services; `npm run preflight` reports that it has not checked them.',
  },
  {
    about: /^cognito-idp\.(Create|Describe)UserPool .*SchemaAttributes\[\]\.Name has 2\d characters/,
    reason:
      'The response contains the name of a custom attribute with the prefix `custom:` (docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SchemaAttributeType.html).',
  },
  {
    about: /^lambda\.UpdateFunction(Code|Configuration) .*LastUpdateStatusReasonCode .*Creating/,
    reason: 'AWS returns it (docs/decisions/0030-recorded-on-aws.md: `test_lambda_handler_update`).',
  },
  {
    about: /^cloudformation\.DescribeStackEvents .*REVIEW_IN_PROGRESS/,
    reason:
      'The stack itself has an event with its own status (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html).',
  },
];

const results = check(suites);

/** Calls that every run of the system makes. If they are missing, nothing was recorded. */
const REQUIRED = [
  'cognito-idp.AdminCreateUser succeeds',
  'cognito-idp.AdminSetUserPassword succeeds',
  'kms.Decrypt succeeds',
  'secretsmanager.GetSecretValue succeeds',
  'states:::events:putEvents succeeds',
  'states:::lambda:invoke succeeds',
  'stepfunctions.DescribeExecution succeeds',
  'stepfunctions.StartExecution succeeds',
];

describe('recorded requests and responses', () => {
  it('contain the calls of the system', () => {
    const recorded = results.map(({ operation, outcome }) => `${operation} ${outcome}`);

    expect(REQUIRED.filter((call) => !recorded.includes(call))).toEqual([]);
  });

  it.each(results)('match the model: $operation $outcome', ({ operation, outcome, findings }) => {
    const unexpected = findings.filter(
      (finding) => !accepted.some(({ about }) => about.test(`${operation} ${outcome}: ${finding}`)),
    );

    expect(unexpected).toEqual([]);
  });
});
