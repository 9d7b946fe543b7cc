import type { Target } from '../../../cli/outputs.ts';
import { outputs } from '../../e2e/support/deployed.ts';

/** The targets of this suite. */
export const targetNames = ['app2', 'payments'] as const;
export type TargetName = (typeof targetNames)[number];

const { payments } = outputs.targets;
if (payments === undefined) throw new Error('The target payments is not deployed.');

export const targets: Readonly<Record<TargetName, Target>> = { app2: outputs.app2, payments };

/** The other one of the two targets. */
export const otherTarget = (name: TargetName): TargetName => (name === 'app2' ? 'payments' : 'app2');
