import type { UnderTest } from '../../local/under-test.ts';

/** As many processes of each function as a small machine can run; what the machines publish passes the proxy, too. */
export const underTest: UnderTest = { serviceCallsThroughEndpoint: true, workers: { each: 4, of: {} } };
