/** Constructs, for the CDK app of a service team or of a subscriber. */
export { EventSubscription, type EventSubscriptionProps } from '../infra/constructs/event-subscription.ts';
