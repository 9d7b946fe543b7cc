import type { ServiceKind } from '../../contracts/services.ts';
import type { DeploymentEnvironment } from '../../infra/resolve.ts';
import type { Settings } from '../../infra/settings.ts';
import type { Template } from '../../infra/templates.ts';
import type { TargetEnvironment } from '../target-environment.ts';

/** A stack that is to be deployed. */
export interface PlannedStack {
  name: 'App1' | 'App2';
  service: ServiceKind;
  template: Template;
  /** The version of the bootstrap stack that its assembly needs. */
  bootstrapVersion: number;
}

/** The stacks that are to be deployed into one account and region. */
export interface Target {
  stacks: readonly PlannedStack[];
  settings: Settings;
  environment: DeploymentEnvironment;
  local: boolean;
  client: TargetEnvironment['client'];
}
