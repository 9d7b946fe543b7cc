import type { TestSwitches } from '../../local/test-switches.ts';

/**
 * Few worker processes per function, for a small computer. Functions that wait for a creation have more, because they
 * would otherwise block the next requests. The function that accepts requests has fewer: 300 concurrent POSTs would
 * otherwise load the computer so that start times pass unused. On AWS, each invocation has its own execution environment,
 * so neither happens. The events that state machines publish pass the proxy, too. If a notification is lost, App1 polls
 * after three minutes instead of thirty, which is longer than any queue here.
 */
export const testSwitches: TestSwitches = {
  serviceCallsThroughEndpoint: true,
  callbackTimeouts: 0.1,
  workers: {
    each: 4,
    of: {
      'app1-start-provisioning': 3,
      'app1-call-target': 16,
      'app2-start-user-creation': 16,
      'app2-create-user': 8,
      'app2-set-password': 8,
      'app2-add-to-group': 8,
    },
  },
};
