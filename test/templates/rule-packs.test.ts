import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type App, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import * as z from 'zod';
import { rulePacks } from '../../infra/rule-packs.ts';
import { withEmptyFunctions } from '../../infra/templates.ts';
import { type Variant, variants } from '../infra/variants.ts';

const report = z.object({
  pluginReports: z.array(
    z.object({
      pluginName: z.string(),
      violations: z.array(
        z.object({
          ruleName: z.string(),
          violatingConstructs: z.array(z.object({ constructPath: z.string() })),
        }),
      ),
    }),
  ),
});

const PACKS = ['AwsSolutions', 'Serverless'];

/** The findings of the rule packs in the templates: `rule at construct`. */
function findings(context: Variant['context'], change: (app: App) => void = () => undefined) {
  return withEmptyFunctions(context, (app) => {
    change(app);
    Validations.of(app).addPlugins(...rulePacks(app));
    try {
      app.synth();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ValidationFailed') throw error;
    }
    const { pluginReports } = report.parse(
      JSON.parse(readFileSync(join(app.outdir, 'validation-report.json'), 'utf8')),
    );
    return pluginReports
      .filter(({ pluginName }) => PACKS.includes(pluginName))
      .flatMap(({ violations }) => violations)
      .flatMap(({ ruleName, violatingConstructs }) =>
        violatingConstructs.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
      );
  });
}

describe('the rule packs of cdk-nag', () => {
  it.each(variants)('find nothing unacknowledged with $name', ({ context }) => {
    expect(findings(context)).toEqual([]);
  });

  it('find a function without a dead-letter queue, and a state machine without a log', () => {
    const seeded = findings({}, (app) => {
      const stack = new Stack(app, 'Seeded');
      new CfnFunction(stack, 'Function', { code: { zipFile: '' }, role: 'arn:aws:iam::111122223333:role/r' });
      new CfnStateMachine(stack, 'Machine', { roleArn: 'arn:aws:iam::111122223333:role/r' });
    });

    expect(seeded).toEqual(
      expect.arrayContaining([
        'Serverless-LambdaDLQ at Seeded/Function',
        'AwsSolutions-SF1 at Seeded/Machine',
      ]),
    );
  });

  it('find a permission that is too wide', () => {
    const seeded = findings({}, (app) => {
      const role = new Role(new Stack(app, 'Seeded'), 'Role', {
        assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      });
      role.addToPolicy(new PolicyStatement({ actions: ['cognito-idp:*'], resources: ['*'] }));
    });

    expect(seeded).toEqual(
      expect.arrayContaining([
        'AwsSolutions-IAM5[Action::cognito-idp:*] at Seeded/Role/DefaultPolicy/Resource',
        'AwsSolutions-IAM5[Resource::*] at Seeded/Role/DefaultPolicy/Resource',
      ]),
    );
  });
});
