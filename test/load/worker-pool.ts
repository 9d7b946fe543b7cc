import type { TestSwitches } from '../../local/test-switches.ts';

/**
 * Few processes, as a small machine can run them. More of the functions that wait: those that wait for the end of a
 * creation would otherwise keep the next requests from coming in. Fewer of the one that accepts: 300 POSTs at once would
 * otherwise take the machine from all that has begun, so that turns pass unused. On AWS each has a function of its own,
 * and neither happens. What the machines publish passes the proxy, too. Where a notification is lost App1 asks after three
 * minutes instead of thirty, which is longer than any queue here.
 */
export const testSwitches: TestSwitches = {
  serviceCallsThroughEndpoint: true,
  callbackTimeouts: 0.1,
  workers: {
    each: 4,
    of: {
      'app1-start-provisioning': 3,
      'app1-call-app2': 16,
      'app2-start-user-creation': 16,
      'app2-create-user': 8,
      'app2-set-password': 8,
      'app2-add-to-group': 8,
    },
  },
};
