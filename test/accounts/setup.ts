import { localAwsWith } from '../e2e/setup.ts';
import { targetAccount } from './support/target-account.ts';

/** A local AWS with App1 in one account and App2 in another. */
const { setUp, tearDown } = localAwsWith([], targetAccount);

export { setUp as default, tearDown };
