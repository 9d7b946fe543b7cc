/** Constructs, for the CDK app of a service team or of a subscriber. */
export type { BusinessRoute } from '../contracts/app2-access.ts';
export type { PasswordPolicy } from '../contracts/password-policy.ts';
export { EventSubscription, type EventSubscriptionProps } from '../infra/constructs/event-subscription.ts';
export type { ServiceOptions } from '../infra/service-settings.ts';
export { ServiceUsers, type ServiceUsersProps } from '../infra/service-users.ts';
