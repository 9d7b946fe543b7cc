import { findChromium } from './support/browser.ts';

/** Finds Chromium once, before test files start it. */
export default async function setUp(): Promise<void> {
  process.env['CHROMIUM'] = await findChromium();
}
