import { newName } from '../../e2e/support/deployed.ts';
import { makeForeignUser } from './pool.ts';

/** Users that are in the pool in all cases and have nothing to do with any of them. */
export const bystanders = Promise.all(
  ['bystander', 'another-bystander'].map((name) => makeForeignUser(newName(name))),
);
