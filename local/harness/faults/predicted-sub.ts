import { v5 as uuidV5 } from 'uuid';

/**
 * The `sub` of the user that the n-th creation (from 1) of this name in this pool makes, on a local AWS with
 * `LOCAL_AWS_PREDICTABLE_SUBS=on`. A twin of `predicted_sub` in corrections/under_test.py.
 */
export const predictedSub = (userPoolId: string, username: string, n: number): string =>
  uuidV5(`${userPoolId}/${username.toLowerCase()}/${n}`, uuidV5.URL);
