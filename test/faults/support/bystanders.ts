import { newName } from '../../e2e/support/deployed.ts';
import { deployedTargets } from './deployed.ts';
import { createUnrelatedUser } from './pool.ts';

/** Users that exist at each target during all cases, and that no case may change. */
export const bystanders = Promise.all(
  deployedTargets.flatMap((at) =>
    ['bystander', 'another-bystander'].map((name) => createUnrelatedUser(newName(name), at)),
  ),
);
