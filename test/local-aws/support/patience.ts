import { jest } from '@jest/globals';

/** A busy machine takes longer than Jest's five seconds for what a quiet one does in one. */
jest.setTimeout(30_000);
