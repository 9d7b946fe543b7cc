import { newName } from '../../e2e/support/deployed.ts';
import { createUnrelatedUser } from './pool.ts';

/** Users that exist in the pool during all cases, and that no case may change. */
export const bystanders = Promise.all(
  ['bystander', 'another-bystander'].map((name) => createUnrelatedUser(newName(name))),
);
