import { findChromium } from './support/browser.ts';

/** Once, before the browser is started from more than one file. */
export default async function setUp(): Promise<void> {
  process.env['CHROMIUM'] = await findChromium();
}
