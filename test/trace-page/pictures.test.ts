import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pixelmatch from 'pixelmatch';
import type { Browser } from 'playwright-core';
import { PNG } from 'pngjs';
import { root } from '../../cli/support/paths.ts';
import { type FakeAws, services } from '../trace/support/fake-aws.ts';
import { machines } from '../trace/support/machines.ts';
import { ids, scene } from '../trace/support/scene.ts';
import { severalIds, severalServices, severalTargets } from '../trace/support/several-targets.ts';
import { open, startBrowser, type Viewport } from './support/browser.ts';
import { siteOf } from './support/site.ts';

/**
 * Compares screenshots of the page with pictures/. Glyphs differ between machines, so the text is transparent, and one font
 * gives it the same size everywhere.
 *
 *     PICTURES=write npx jest --selectProjects trace-page --testPathPatterns pictures     writes the pictures
 */

const pictures = join(import.meta.dirname, 'pictures');
const failed = join(root, '.build', 'pictures');
/** The share of pixels that may differ: the edges of curves. A state of a graph has five times as many. */
const TOLERATED = 0.001;
/** The difference of a pixel, from 0 to 1, that is ignored. The pale background of a state differs more from white. */
const SAME = 0.03;

const font = (weight: number) =>
  join(
    root,
    'node_modules',
    '@fontsource',
    'dejavu-sans',
    'files',
    `dejavu-sans-latin-${weight}-normal.woff2`,
  );
const style = `
  @font-face { font-family: Compared; font-weight: 400; src: url(/compared-400.woff2); }
  @font-face { font-family: Compared; font-weight: 700; src: url(/compared-700.woff2); }
  * { font-family: Compared !important; -webkit-text-fill-color: transparent !important; }
  *, *::before, *::after { animation: none !important; transition: none !important; }`;

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

interface Picture extends Viewport {
  id?: string;
  /** Of the provisionings with several targets. */
  several?: true;
  /** Whether App1's first state machine shows all of its states. */
  allStates?: true;
}

/** A full screenshot of the page with a fake AWS at a fixed time; `more` is additional style. */
async function take(
  { id, several, allStates, ...viewport }: Picture,
  aws: FakeAws = several === true ? severalTargets() : scene(),
  more = '',
): Promise<{ shot: Buffer; png: PNG }> {
  const site = await siteOf(aws, several === true ? severalServices : services);
  try {
    // The page's Content-Security-Policy would block the style.
    const { page } = await open(browser, site.url, viewport, { bypassCSP: true, reducedMotion: 'reduce' });
    await page.route('**/compared-*.woff2', (route) =>
      // By the name of the file: the port in the URL can contain the same digits.
      route.fulfill({ path: font(route.request().url().endsWith('/compared-400.woff2') ? 400 : 700) }),
    );
    await page.addStyleTag({ content: style + more });
    // Until the style is applied, the fonts are not known, and the screenshot would use another font.
    await page.waitForFunction(
      "[...document.fonts].filter(({ family }) => family.includes('Compared')).length === 2",
    );
    await page.evaluate('Promise.all([...document.fonts].map((font) => font.load())).then(() => undefined)');
    await page.goto(site.at(id));
    const content =
      id === undefined
        ? page.getByRole('link', { name: /carol/ })
        : page.getByText('Timeline', { exact: true });
    await content.waitFor();
    if (allStates === true) await page.getByRole('switch').first().check({ force: true });
    // Nothing is below the pointer after the switch.
    await page.mouse.move(0, 0);
    // Graphs are laid out after their width is known.
    await page.evaluate(
      'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))))',
    );
    await page.evaluate('document.fonts.ready.then(() => undefined)');
    if (id !== undefined) await page.locator('.react-flow__edge-path').first().waitFor({ state: 'attached' });
    await page.evaluate('document.activeElement?.blur()');
    const shot = await page.screenshot({ fullPage: true, animations: 'disabled' });
    await page.context().close();
    return { shot, png: PNG.sync.read(shot) };
  } finally {
    site.close();
  }
}

/** The share of pixels that differ, from 0 to 1, and the difference as an image. */
function compare(a: PNG, b: PNG): { share: number; difference: PNG } {
  const difference = new PNG({ width: a.width, height: a.height });
  if (a.width !== b.width || a.height !== b.height) return { share: 1, difference };
  const pixels = pixelmatch(a.data, b.data, difference.data, a.width, a.height, { threshold: SAME });
  return { share: pixels / (a.width * a.height), difference };
}

const savedPictures = new Map<string, PNG>();
function readPicture(name: string): PNG {
  const picture = savedPictures.get(name) ?? PNG.sync.read(readFileSync(join(pictures, `${name}.png`)));
  savedPictures.set(name, picture);
  return picture;
}

const PICTURES: Record<string, Picture> = {
  'list-1280-light': { width: 1280 },
  'list-360-dark': { width: 360, scheme: 'dark' },
  'failed-1280-light': { width: 1280, id: ids.carol },
  'failed-1280-dark': { width: 1280, scheme: 'dark', id: ids.carol },
  'failed-360-light': { width: 360, id: ids.carol },
  'all-states-1280-light': { width: 1280, id: ids.carol, allStates: true },
  'targets-running-1280-light': { width: 1280, several: true, id: severalIds.gina },
  'targets-failed-1280-light': { width: 1280, several: true, id: severalIds.hugo },
  'targets-failed-360-light': { width: 360, several: true, id: severalIds.hugo },
  'targets-left-1280-light': { width: 1280, several: true, id: severalIds.iris },
};

describe('the page', () => {
  it.each(Object.entries(PICTURES))('matches the picture %s', async (name, picture) => {
    const { shot, png } = await take(picture);
    if (process.env['PICTURES'] === 'write') writeFileSync(join(pictures, `${name}.png`), shot);

    expect(existsSync(join(pictures, `${name}.png`))).toBe(true);

    const { share, difference } = compare(readPicture(name), png);
    if (share > TOLERATED) {
      mkdirSync(failed, { recursive: true });
      writeFileSync(join(failed, `${name}.png`), shot);
      writeFileSync(join(failed, `${name}-difference.png`), PNG.sync.write(difference));
    }

    // .build/pictures/ contains the difference.
    expect(share).toBeLessThanOrEqual(TOLERATED);
  });
});

describe('the comparison', () => {
  const name = 'failed-1280-light';
  const failedOne: Picture = { width: 1280, id: ids.carol };

  it('detects a missing state', async () => {
    const definition = JSON.parse(machines.CreateServiceUser);
    delete definition.States.UserCreated;
    definition.States.PublishUserCreated.Next = 'UserCreationRolledBack';
    const { png } = await take(failedOne, scene({ CreateServiceUser: JSON.stringify(definition) }));

    expect(compare(readPicture(name), png).share).toBeGreaterThan(3 * TOLERATED);
  });

  it.each(['--good-ground: #fdf0d5', '--compensation-ground: #e2f5e9'])(
    'detects a changed colour: %s',
    async (colour) => {
      const { png } = await take(failedOne, scene(), `:root:root { ${colour} !important; }`);

      expect(compare(readPicture(name), png).share).toBeGreaterThan(3 * TOLERATED);
    },
  );

  it('detects another outcome of a step', async () => {
    const { png } = await take(failedOne, scene({}, { fixed: true }));

    expect(compare(readPicture(name), png).share).toBeGreaterThan(3 * TOLERATED);
  });
});
