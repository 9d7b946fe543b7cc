import type { UnderTest } from '../../local/under-test.ts';

/**
 * As many processes as two processors can run, more of the functions that wait for others; what the machines publish
 * passes the proxy, too.
 */
export const underTest: UnderTest = {
  serviceCallsThroughEndpoint: true,
  workers: { each: 2, of: { 'app1-call-app2': 6, 'app2-start-user-creation': 6 } },
};
