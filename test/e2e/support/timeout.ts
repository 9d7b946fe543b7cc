import { jest } from '@jest/globals';

/** A compensation waits until no call can be in flight, so a test can take longer than Jest's five seconds. */
jest.setTimeout(240_000);
