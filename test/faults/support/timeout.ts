import { jest } from '@jest/globals';

// A case waits for capacity, for the time limits of its calls, and for the sweep.
jest.setTimeout(15 * 60_000);
