/**
 * Names of resources that operators, subscribers and the other services use. All begin with the name of their service, except
 * App1's state machines. Two services of one account and region have no name in common.
 */

/** Names of App1's resources. */
export const app1Names = {
  provisionServiceUser: 'ProvisionServiceUser',
  rollBackProvisioning: 'RollBackProvisioning',
  bus: 'app1-provisioning',
  intakeKeyAlias: 'alias/app1-intake-key',
  callbacksTable: 'app1-callbacks',
  callerLimitsTable: 'app1-rate-limits',
} as const;

/** Names of a target's resources. @param service name of the target */
export const targetNames = (service: string) => ({
  createServiceUser: `${service}-CreateServiceUser`,
  rollBackServiceUser: `${service}-RollBackServiceUser`,
  bus: `${service}-service-users`,
  userPool: `${service}-service-users`,
  api: `${service}-service-users`,
  crossServiceKeyAlias: `alias/${service}-cross-service-key`,
  rateLimitsTable: `${service}-rate-limits`,
  credentialsSecret: `${service}-api-client-credentials`,
});

/** Names of a migration's resources in AppConfig, and of the alarm that reverts a deployment. They exist only during a migration. */
export const migration = {
  application: 'app1-provisioning',
  environment: 'live',
  profile: 'migration',
  atOnce: 'app1-migration-at-once',
  gradual: 'app1-migration-gradual',
  alarm: 'app1-migration-workflow-fails',
} as const;

/** Names that are composed of others. */
export const functionNamed = (service: string, name: string): string => `${service}-${name}`;
export const deadLetterQueueName = (service: string): string => `${service}-dead-letter-queue`;
export const sweepTable = (service: string): string => `${service}-sweep`;
export const busLog = (busName: string): string => `/aws/events/${busName}`;
export const everyEventRule = (busName: string): string => `${busName}-every-event`;
export const busArchive = (busName: string): string => `${busName}-archive`;
export const deadLetterAlarm = (service: string): string => `${service}-dead-letter-queue`;
export const brokenBusAlarm = (busName: string): string => `${busName}-broken`;
export const alarmNamed = (service: string, what: string): string => `${service}-${what}`;
export const alarmTopic = (service: string): string => `${service}-alarms`;
/** Names of dashboards are unique per account, so they contain the region: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards.html */
export const dashboardOf = (service: string, region: string): string => `${service}-operations-${region}`;
