import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { CommandError } from '../../../cli/support/command-error.ts';

/** A real Chromium, that of the system: Debian's package, or Chrome where that is installed. */

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

/** @throws CommandError when there is no Chromium and it cannot be installed */
export async function findChromium(): Promise<string> {
  const named = process.env['CHROMIUM'];
  const found = named ?? places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  if (isRoot && existsSync('/usr/bin/apt-get')) {
    const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    await run('apt-get', ['update'], options);
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options);
    if (existsSync('/usr/bin/chromium')) return '/usr/bin/chromium';
  }
  throw new CommandError(
    'There is no Chromium, which the trace page is tested in.',
    'Install it (Debian: `apt-get install chromium`), or name one by CHROMIUM=/path/to/it.',
  );
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
      // Letters and lines look alike on every machine.
      '--font-render-hinting=none',
      '--force-color-profile=srgb',
      ...(isRoot ? ['--no-sandbox'] : []),
    ],
  });
}

export interface Look {
  width: number;
  height?: number;
  scheme?: 'light' | 'dark';
}

/** What a page did that it must not do: requests to elsewhere, errors, what the Content-Security-Policy refused. */
export interface Watched {
  page: Page;
  complaints: string[];
}

/** Opens a page, in a context of its own, and watches it. */
export async function open(
  browser: Browser,
  url: string,
  { width, height = 900, scheme = 'light' }: Look,
  more: Parameters<Browser['newContext']>[0] = {},
): Promise<Watched> {
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
    if (new URL(request.url()).origin !== origin) complaints.push(`It asks ${request.url()}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints };
}
