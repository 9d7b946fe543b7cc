import { jest } from '@jest/globals';

/** The first test starts the browser, and on some machines installs it. */
jest.setTimeout(180_000);
