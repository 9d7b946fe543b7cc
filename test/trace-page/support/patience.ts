import { jest } from '@jest/globals';

/** A browser has to start first, on some machines to be installed. */
jest.setTimeout(180_000);
