import { localAwsWith } from '../e2e/setup.ts';

/** A local AWS with a second target. */
const { setUp, tearDown } = localAwsWith(['payments']);

export { setUp as default, tearDown };
