import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { CommandError } from '../../../cli/support/command-error.ts';
import { root } from '../../../cli/support/paths.ts';
import { exclusively } from '../../../local/lock.ts';

/** The Chromium of the system: Debian's package, or an installed Chrome. */

const paths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

/**
 * Two parts of `npm test` need a browser and may run at the same time. While one installs it, apt-get would refuse the other,
 * and the files are incomplete, so the other waits.
 * @throws CommandError when there is no Chromium and it cannot be installed
 */
export async function findChromium(): Promise<string> {
  const named = process.env['CHROMIUM'];
  if (named !== undefined) return named;
  return exclusively(join(root, '.build', 'chromium'), async () => {
    const found = paths.find((path) => existsSync(path)) ?? (await install());
    if (found !== undefined) return found;
    throw new CommandError(
      'Chromium is not installed. The tests of the trace page need it.',
      'Install it (Debian: `apt-get install chromium`), or set CHROMIUM=/path/to/it.',
    );
  });
}

/** Installs Chromium where apt-get can. */
async function install(): Promise<string | undefined> {
  if (!isRoot || !existsSync('/usr/bin/apt-get')) return undefined;
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  await run('apt-get', ['update'], options);
  await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options);
  return paths.find((path) => existsSync(path));
}

export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await findChromium(),
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Text and lines are the same on every machine.
      '--font-render-hinting=none',
      '--force-color-profile=srgb',
      ...(isRoot ? ['--no-sandbox'] : []),
    ],
  });
}

export interface Viewport {
  width: number;
  height?: number;
  scheme?: 'light' | 'dark';
}

/** A page with its complaints: requests to other origins, errors, violations of the Content-Security-Policy. */
export interface OpenedPage {
  page: Page;
  complaints: string[];
}

/** Opens a page in a new context and records its complaints. */
export async function open(
  browser: Browser,
  url: string,
  { width, height = 900, scheme = 'light' }: Viewport,
  more: Parameters<Browser['newContext']>[0] = {},
): Promise<OpenedPage> {
  const context: BrowserContext = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    locale: 'en-GB',
    timezoneId: 'UTC',
    ...more,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const { origin } = new URL(url);
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`It requests ${request.url()}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints };
}
