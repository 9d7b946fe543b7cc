import { existsSync } from 'node:fs';
import { it } from '@jest/globals';

/** A device of Linux on which there is never any room. */
export const FULL_DEVICE = '/dev/full';

/** A test that writes to it. macOS has no such device, and nothing else that refuses each write for want of room. */
export const itWithFullDevice = existsSync(FULL_DEVICE) ? it : it.skip;
