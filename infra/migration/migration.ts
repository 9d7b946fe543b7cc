import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CfnApplication,
  CfnConfigurationProfile,
  CfnDeployment,
  CfnDeploymentStrategy,
  CfnEnvironment,
  CfnHostedConfigurationVersion,
} from 'aws-cdk-lib/aws-appconfig';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { metricNames, NAMESPACE } from '../../handlers/shared/metrics.ts';
import { acknowledge } from '../checks.ts';
import { functionNamed, migration as names } from '../names.ts';
import { allow } from '../permissions.ts';
import { firstFlag } from './first-flag.ts';

/** The environment variables of the routing function; `MIGRATION_FLAG` only in the phase `flag`. */
interface RoutingEnvironment {
  KEYS_TABLE: string;
  MIGRATION_FLAG?: `${string}/${string}/${string}`;
}

/**
 * The resources of a migration: the table of the backend that each idempotency key is pinned to and, in the phase `flag`, the
 * feature flag in AppConfig. They are deleted when the migration is finished.
 */
export class Migration extends Construct {
  readonly environment: RoutingEnvironment;
  readonly permissions: PolicyStatement[];

  constructor(scope: Construct, id: string, { phase }: { phase: 'header' | 'flag' }) {
    super(scope, id);
    const keys = new Table(this, 'Keys', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_at',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(keys, {
      'AwsSolutions-DDB3': 'A pinned key is needed for hours and then expires, so a backup has no use.',
    });
    this.environment = { KEYS_TABLE: keys.tableName };
    this.permissions = [allow(['dynamodb:PutItem'], [keys.tableArn])];
    if (phase === 'header') return;
    this.environment.MIGRATION_FLAG = `${names.application}/${names.environment}/${names.profile}`;
    this.permissions.push(this.#flag());
  }

  /**
   * Adds the flag and deploys its first version, which routes no caller to the workflow. Operators deploy later versions, and
   * an update of the stack does not change them.
   * @returns the permission to read the flag
   * docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html
   */
  #flag(): PolicyStatement {
    const application = new CfnApplication(this, 'Application', { name: names.application });
    const environment = new CfnEnvironment(this, 'Environment', {
      applicationId: application.ref,
      name: names.environment,
      monitors: [this.#monitor()],
    });
    const profile = new CfnConfigurationProfile(this, 'Profile', {
      applicationId: application.ref,
      name: names.profile,
      type: 'AWS.AppConfig.FeatureFlags',
      locationUri: 'hosted',
    });
    const first = new CfnHostedConfigurationVersion(this, 'First', {
      applicationId: application.ref,
      configurationProfileId: profile.ref,
      contentType: 'application/json',
      content: JSON.stringify(firstFlag),
    });
    const atOnce = { growthType: 'LINEAR', replicateTo: 'NONE', growthFactor: 100 };
    const strategy = new CfnDeploymentStrategy(this, 'AtOnce', {
      name: names.atOnce,
      description: 'For the first version, and for reverting',
      ...atOnce,
      deploymentDurationInMinutes: 0,
      finalBakeTimeInMinutes: 0,
    });
    new CfnDeploymentStrategy(this, 'Gradual', {
      name: names.gradual,
      description:
        'A fifth of the functions every two minutes, then ten minutes in which an alarm reverts the deployment',
      growthType: 'LINEAR',
      growthFactor: 20,
      replicateTo: 'NONE',
      deploymentDurationInMinutes: 10,
      finalBakeTimeInMinutes: 10,
    });
    new CfnDeployment(this, 'FirstDeployment', {
      applicationId: application.ref,
      environmentId: environment.ref,
      configurationProfileId: profile.ref,
      configurationVersion: first.ref,
      deploymentStrategyId: strategy.ref,
    });
    return allow(
      ['appconfig:StartConfigurationSession', 'appconfig:GetLatestConfiguration'],
      [
        Stack.of(this).formatArn({
          service: 'appconfig',
          resource: 'application',
          resourceName: `${application.ref}/environment/${environment.ref}/configuration/${profile.ref}`,
        }),
      ],
    );
  }

  /** Reverts a deployment of the flag while the workflow fails. */
  #monitor(): CfnEnvironment.MonitorsProperty {
    const alarm = new Alarm(this, 'WorkflowFails', {
      alarmName: names.alarm,
      alarmDescription:
        'Three requests or more that the migration has routed to the workflow have failed with 5xx within a minute. AppConfig reverts a running deployment of the flag. See docs/migration.md.',
      metric: new Metric({
        namespace: NAMESPACE,
        metricName: metricNames.provisionedByWorkflowFailed,
        dimensionsMap: { service: functionNamed('app1', 'route-provisioning') },
        statistic: 'Sum',
        period: Duration.minutes(1),
      }),
      threshold: 3,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    const monitorRole = new Role(this, 'Watcher', {
      assumedBy: new ServicePrincipal('appconfig.amazonaws.com'),
    });
    monitorRole.addToPolicy(allow(['cloudwatch:DescribeAlarms'], ['*']));
    acknowledge(monitorRole, {
      'AwsSolutions-IAM5[Resource::*]': 'AppConfig describes all alarms in one call, as it documents.',
    });
    return { alarmArn: alarm.alarmArn, alarmRoleArn: monitorRole.roleArn };
  }
}
