import * as z from 'zod';
import { type DeploymentEnvironment, resolver } from './resolve.ts';
import type { Template } from './templates.ts';

/** A policy of a template, as IAM evaluates it. */
export interface Policy {
  /** Logical id and property, for messages: `SweepRole/AssumeRolePolicyDocument`. */
  path: string;
  /** `identity`: the permissions of a role; `resource`: the principals that may use a resource or assume a role. */
  kind: 'identity' | 'resource';
  /** CloudFormation type of the resource that has the policy. */
  resourceType: string;
  document: unknown;
}

/** The properties that hold policies, by type. */
const policyProperties: Record<string, { property: string; kind: Policy['kind'] }> = {
  'AWS::ApiGateway::RestApi': { property: 'Policy', kind: 'resource' },
  'AWS::Events::EventBus': { property: 'Policy', kind: 'resource' },
  'AWS::Events::EventBusPolicy': { property: 'Statement', kind: 'resource' },
  'AWS::IAM::ManagedPolicy': { property: 'PolicyDocument', kind: 'identity' },
  'AWS::IAM::Policy': { property: 'PolicyDocument', kind: 'identity' },
  'AWS::IAM::Role': { property: 'AssumeRolePolicyDocument', kind: 'resource' },
  'AWS::KMS::Key': { property: 'KeyPolicy', kind: 'resource' },
  'AWS::Logs::LogGroup': { property: 'ResourcePolicyDocument', kind: 'resource' },
  'AWS::Logs::ResourcePolicy': { property: 'PolicyDocument', kind: 'resource' },
  'AWS::S3::BucketPolicy': { property: 'PolicyDocument', kind: 'resource' },
  'AWS::SecretsManager::ResourcePolicy': { property: 'ResourcePolicy', kind: 'resource' },
  'AWS::SNS::TopicPolicy': { property: 'PolicyDocument', kind: 'resource' },
  'AWS::SQS::QueuePolicy': { property: 'PolicyDocument', kind: 'resource' },
};

const inline = z.array(z.object({ PolicyName: z.unknown(), PolicyDocument: z.unknown() })).default([]);

/** All policies of a template, with names and ARNs as they are after a deployment. */
export function policiesIn(template: Template, environment: DeploymentEnvironment): Policy[] {
  const resolve = resolver(template, environment);
  return Object.entries(template.Resources).flatMap(([logicalId, { Type, Properties }]) => {
    const holder = policyProperties[Type];
    const value = holder === undefined ? undefined : Properties[holder.property];
    const own: Policy[] =
      holder === undefined || value === undefined
        ? []
        : [
            {
              path: `${logicalId}/${holder.property}`,
              kind: holder.kind,
              resourceType: Type,
              document: documentOf(resolve(value)),
            },
          ];
    const inRole: Policy[] =
      Type !== 'AWS::IAM::Role'
        ? []
        : inline.parse(Properties['Policies']).map(({ PolicyDocument }, index) => ({
            path: `${logicalId}/Policies/${index}`,
            kind: 'identity',
            resourceType: Type,
            document: resolve(PolicyDocument),
          }));
    return [...own, ...inRole];
  });
}

/** Some resources have their policy as a string, and a bus has a single statement. */
function documentOf(value: unknown): unknown {
  if (typeof value === 'string') return JSON.parse(value);
  const isDocument = z.looseObject({ Statement: z.unknown() }).safeParse(value).success;
  return isDocument ? value : { Version: '2012-10-17', Statement: [value] };
}
