import { jest } from '@jest/globals';

/** Under load, a test can take longer than Jest's default of five seconds. */
jest.setTimeout(30_000);
