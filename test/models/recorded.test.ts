import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { recordings } from '../../local/paths.ts';
import { check } from './support.ts';

/**
 * What the suites before this one have asked of the local AWS, and what it answered, against the service models of AWS
 * that come with botocore: members, required ones, types, values, errors and their statuses.
 */

const suites = existsSync(recordings) ? readdirSync(recordings).map((name) => join(recordings, name)) : [];

/** What AWS does although no model says so. */
const answers: readonly { about: RegExp; why: string }[] = [
  {
    about: /^apigateway\.CreateDeployment .*\.authorizationScopes is not in the model/,
    why: 'Only tests that seed defects deploy a stage by themselves, and nothing reads the summary that they are answered.',
  },
  {
    about: /^lambda\.AddPermission .*StatementId has \d+ characters/,
    why: 'A test puts back a permission under the id that the local AWS gave it in a stack, which is longer than those of CloudFormation.',
  },
  {
    about:
      /^(accessanalyzer\.ValidatePolicy|service-quotas\.ListServiceQuotas) : answer: an error without a code/,
    why: 'The local AWS does not have these services; `npm run preflight` says that it has not asked them.',
  },
  {
    about: /^cognito-idp\.(Create|Describe)UserPool .*SchemaAttributes\[\]\.Name has 2\d characters/,
    why: 'The name of a custom attribute is answered with `custom:` before it (docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SchemaAttributeType.html).',
  },
  {
    about: /^cloudformation\.DescribeStackEvents .*REVIEW_IN_PROGRESS/,
    why: 'The stack itself has an event with its own status (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html).',
  },
];

const results = check(suites);

/** What the system cannot do without: that nothing of it was recorded would mean that nothing was looked at. */
const NEEDED = [
  'cognito-idp.AdminCreateUser succeeds',
  'cognito-idp.AdminSetUserPassword succeeds',
  'kms.Decrypt succeeds',
  'secretsmanager.GetSecretValue succeeds',
  'states:::events:putEvents succeeds',
  'states:::lambda:invoke succeeds',
  'stepfunctions.DescribeExecution succeeds',
  'stepfunctions.StartExecution succeeds',
];

describe('requests and answers', () => {
  it('were recorded by the suites before this one', () => {
    const seen = results.map(({ operation, outcome }) => `${operation} ${outcome}`);

    expect(NEEDED.filter((one) => !seen.includes(one))).toEqual([]);
  });

  it.each(results)('are as the model says: $operation $outcome', ({ operation, outcome, findings }) => {
    const unanswered = findings.filter(
      (finding) => !answers.some(({ about }) => about.test(`${operation} ${outcome}: ${finding}`)),
    );

    expect(unanswered).toEqual([]);
  });
});
