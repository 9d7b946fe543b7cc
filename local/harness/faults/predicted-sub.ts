import { v5 as uuidV5 } from 'uuid';

/**
 * The `sub` of the n-th user (from 1) with this name in this pool, on a local AWS with `LOCAL_AWS_PREDICTABLE_SUBS=on`. The
 * same function as `predicted_sub` in corrections/test_switches.py.
 */
export const predictedSub = (userPoolId: string, username: string, n: number): string =>
  uuidV5(`${userPoolId}/${username.toLowerCase()}/${n}`, uuidV5.URL);
