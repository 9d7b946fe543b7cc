import type { UnderTest } from '../../local/under-test.ts';

/**
 * Few processes, as a small machine can run them, more of the functions that wait for others; what the machines publish
 * passes the proxy, too.
 */
export const underTest: UnderTest = {
  serviceCallsThroughEndpoint: true,
  workers: { each: 4, of: { 'app1-call-app2': 8, 'app2-start-user-creation': 8, 'app2-add-to-group': 8 } },
};
