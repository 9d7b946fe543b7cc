import type { ServiceKind } from '../../contracts/services.ts';
import type { DeploymentEnvironment } from '../../infra/resolve.ts';
import type { Settings } from '../../infra/settings.ts';
import type { Template } from '../../infra/templates.ts';
import type { TargetEnvironment } from '../target-environment.ts';

/** A stack that is to be deployed. */
export interface PlannedStack {
  name: string;
  service: ServiceKind;
  template: Template;
  /** The version of the bootstrap stack that its assembly needs. */
  bootstrapVersion: number;
}

/** What the stack of the target says about the target. */
export interface PlannedTarget {
  name: string;
  /** Name of its stack. */
  stack: string;
  /** The account that may use the target, if it is not the target's own. */
  consumer: string | undefined;
  creationsPerSecond: number;
  statusPollsPerSecond: number;
  describeExecutionsPerSecond: number;
}

/** The stacks that are to be deployed: App1, and the stack with the target. */
export interface PlannedSystem {
  stacks: readonly PlannedStack[];
  target: PlannedTarget;
  settings: Settings;
}

/** What is to be deployed into one account and region. */
export interface Plan extends PlannedSystem {
  environment: DeploymentEnvironment;
  local: boolean;
  client: TargetEnvironment['client'];
}
