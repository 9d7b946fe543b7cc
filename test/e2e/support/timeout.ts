import { jest } from '@jest/globals';

/** An undo waits out calls that may still be in flight, so a test can take longer than Jest's five seconds. */
jest.setTimeout(240_000);
