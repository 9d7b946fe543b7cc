import type { UnderTest } from '../../local/under-test.ts';

/**
 * Few processes, as a small machine can run them, and more of the functions that wait: those that wait for the end of a
 * creation would otherwise keep the next requests from coming in, as on AWS nothing does. What the machines publish passes
 * the proxy, too.
 */
export const underTest: UnderTest = {
  serviceCallsThroughEndpoint: true,
  workers: {
    each: 4,
    of: {
      'app1-call-app2': 16,
      'app2-start-user-creation': 16,
      'app2-create-user': 8,
      'app2-set-password': 8,
      'app2-add-to-group': 8,
    },
  },
};
