import { jest } from '@jest/globals';

// A case waits for its turn, for the time limits of its calls, and for the sweep.
jest.setTimeout(15 * 60_000);
