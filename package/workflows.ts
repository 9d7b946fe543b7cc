/**
 * The saga without the rest: chains of states, for state machines of a team that brings its own functions and its own bus.
 * The state machines need the query language JSONata.
 */
export {
  type ProvisionServiceUserParts,
  provisionServiceUser,
} from '../workflows/app1/provision-service-user.ts';
export {
  type RollBackProvisioningParts,
  rollBackProvisioning,
} from '../workflows/app1/roll-back-provisioning.ts';
export { type CreateServiceUserParts, createServiceUser } from '../workflows/app2/create-service-user.ts';
export {
  type RollBackServiceUserParts,
  rollBackServiceUser,
} from '../workflows/app2/roll-back-service-user.ts';
export type { ServiceBus } from '../workflows/states.ts';
