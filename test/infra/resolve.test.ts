import { describe, expect, it } from '@jest/globals';
import { policiesIn } from '../../infra/policies.ts';
import { EXAMPLE_ENVIRONMENT, fixedName, resolver } from '../../infra/resolve.ts';
import type { Template } from '../../infra/templates.ts';

const template: Template = {
  Parameters: { Url: { Default: 'https://example.com/' }, Secret: {} },
  Outputs: {},
  Resources: {
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead-letter-queue' } },
    Topic: { Type: 'AWS::SNS::Topic', Properties: {} },
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: { Statement: [{ Effect: 'Allow' }] },
        Policies: [{ PolicyName: 'own', PolicyDocument: { Statement: [] } }],
      },
    },
    LogPolicy: {
      Type: 'AWS::Logs::ResourcePolicy',
      Properties: { PolicyDocument: { 'Fn::Join': ['', ['{"Statement":["', { Ref: 'Queue' }, '"]}']] } },
    },
    BusPolicy: { Type: 'AWS::Events::EventBusPolicy', Properties: { Statement: { Effect: 'Allow' } } },
    Table: { Type: 'AWS::Example::Table', Properties: {} },
  },
};
const resolve = resolver(template, { ...EXAMPLE_ENVIRONMENT, parameters: { Secret: 'from-outside' } });

describe('the resolver of a template', () => {
  it.each([
    [{ Ref: 'Queue' }, 'dead-letter-queue'],
    [{ Ref: 'Topic' }, 'arn:aws:sns:eu-central-1:111122223333:Topic'],
    [{ 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:aws:sqs:eu-central-1:111122223333:dead-letter-queue'],
    [{ 'Fn::Join': ['/', [{ Ref: 'AWS::Partition' }, { Ref: 'Url' }]] }, 'aws/https://example.com/'],
    [{ 'Fn::Select': [4, { 'Fn::Split': [':', { Ref: 'Topic' }] }] }, '111122223333'],
    [
      { 'Fn::Sub': [`\${Queue.Arn} \${AWS::Region} \${!Literal} \${x}`, { x: { Ref: 'Secret' } }] },
      `arn:aws:sqs:eu-central-1:111122223333:dead-letter-queue eu-central-1 \${!Literal} from-outside`,
    ],
    [{ list: [{ Ref: 'Secret' }, 1] }, { list: ['from-outside', 1] }],
  ])('replaces %j by the deployed value', (value, expected) => {
    expect(resolve(value)).toEqual(expected);
  });

  it.each([
    [{ Ref: 'Missing' }, 'There is no Missing'],
    [{ 'Fn::Base64': 'a' }, 'Fn::Base64 is not known'],
    [{ 'Fn::GetAtt': ['Table', 'Arn'] }, 'The ARN of AWS::Example::Table'],
  ])('rejects %j', (value, message) => {
    expect(() => resolve(value)).toThrow(message);
  });

  it('returns the fixed names', () => {
    const names = Object.values(template.Resources).map(fixedName);

    expect(names.filter((name) => name !== undefined)).toEqual(['dead-letter-queue']);
  });

  it('finds the policies of roles and resources in every form', () => {
    const policies = policiesIn(template, EXAMPLE_ENVIRONMENT).map(({ path, kind, document }) => [
      path,
      kind,
      document,
    ]);

    expect(policies).toEqual([
      ['Role/AssumeRolePolicyDocument', 'resource', { Statement: [{ Effect: 'Allow' }] }],
      ['Role/Policies/0', 'identity', { Statement: [] }],
      ['LogPolicy/PolicyDocument', 'resource', { Statement: ['dead-letter-queue'] }],
      ['BusPolicy/Statement', 'resource', { Version: '2012-10-17', Statement: [{ Effect: 'Allow' }] }],
    ]);
  });
});
