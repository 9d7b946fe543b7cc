/** Fixed names, which operators, subscribers and the other service use. */
export const names = {
  provisionServiceUser: 'ProvisionServiceUser',
  createServiceUser: 'CreateServiceUser',
  rollBackServiceUser: 'RollBackServiceUser',
  rollBackProvisioning: 'RollBackProvisioning',
  app1Bus: 'app1-provisioning',
  app2Bus: 'app2-service-users',
  crossServiceKeyAlias: 'alias/cross-service-encryption-key',
  intakeKeyAlias: 'alias/app1-intake-key',
  rateLimitsTable: 'app2-rate-limits',
  callbacksTable: 'app1-callbacks',
  callerLimitsTable: 'app1-rate-limits',
  credentialsSecret: 'app1-api-client-credentials',
} as const;

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
