import { AwsSolutionsChecks, type NagPack, ServerlessChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';

/** The rule packs that check every template. Synthesis fails on a finding that is not acknowledged. */
export function rulePacks(app: IConstruct): NagPack[] {
  return [new AwsSolutionsChecks(app), new ServerlessChecks(app)];
}
