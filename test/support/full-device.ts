import { existsSync } from 'node:fs';
import { it } from '@jest/globals';

/** A Linux device that is always full. */
export const FULL_DEVICE = '/dev/full';

/** A test that writes to it, skipped on macOS, which has no such device. */
export const itWithFullDevice = existsSync(FULL_DEVICE) ? it : it.skip;
