import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pixelmatch from 'pixelmatch';
import type { Browser } from 'playwright-core';
import { PNG } from 'pngjs';
import { root } from '../../cli/support/paths.ts';
import type { FakeAws } from '../trace/support/fake-aws.ts';
import { machines } from '../trace/support/machines.ts';
import { ids, scene } from '../trace/support/scene.ts';
import { type Look, open, startBrowser } from './support/browser.ts';
import { siteOf } from './support/site.ts';

/**
 * Pictures of the page are compared with those in pictures/. Letters differ from machine to machine, so they are made
 * invisible, and one font gives them the same room everywhere.
 *
 *     PICTURES=write npx jest --selectProjects trace-page --testPathPatterns pictures     writes them again
 */

const pictures = join(import.meta.dirname, 'pictures');
const failed = join(root, '.build', 'pictures');
/** How much of a picture may differ: the edges of curves. A state of a graph is five times as much. */
const TOLERATED = 0.001;
/** How much a pixel may differ, of 1. The pale ground of a state differs more from white. */
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

interface Picture extends Look {
  id?: string;
}

/** A picture of the page, whole, with an AWS that stands still; `more` is style that it has besides. */
async function take(
  { id, ...look }: Picture,
  aws: FakeAws = scene(),
  more = '',
): Promise<{ shot: Buffer; png: PNG }> {
  const site = await siteOf(aws);
  try {
    // Its policy would not let the style in.
    const { page } = await open(browser, site.url, look, { bypassCSP: true, reducedMotion: 'reduce' });
    await page.route('**/compared-*.woff2', (route) =>
      // By the file's name: the port of the address may contain any number.
      route.fulfill({ path: font(route.request().url().endsWith('/compared-400.woff2') ? 400 : 700) }),
    );
    await page.addStyleTag({ content: style + more });
    // Before the style is applied there are no fonts to be loaded, and the picture would be one of another font.
    await page.waitForFunction(
      "[...document.fonts].filter(({ family }) => family.includes('Compared')).length === 2",
    );
    await page.evaluate('Promise.all([...document.fonts].map((font) => font.load())).then(() => undefined)');
    await page.goto(site.at(id));
    const there = id === undefined ? page.getByRole('link', { name: /carol/ }) : page.getByText('Time line');
    await there.waitFor();
    // Graphs are laid out for the width that they find.
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

/** How much of two pictures differs, from 0 to 1, and the difference as a picture. */
function compare(a: PNG, b: PNG): { share: number; difference: PNG } {
  const difference = new PNG({ width: a.width, height: a.height });
  if (a.width !== b.width || a.height !== b.height) return { share: 1, difference };
  const pixels = pixelmatch(a.data, b.data, difference.data, a.width, a.height, { threshold: SAME });
  return { share: pixels / (a.width * a.height), difference };
}

const read = new Map<string, PNG>();
function known(name: string): PNG {
  const picture = read.get(name) ?? PNG.sync.read(readFileSync(join(pictures, `${name}.png`)));
  read.set(name, picture);
  return picture;
}

const taken: Record<string, Picture> = {
  'list-1280-light': { width: 1280 },
  'list-360-dark': { width: 360, scheme: 'dark' },
  'failed-1280-light': { width: 1280, id: ids.carol },
  'failed-1280-dark': { width: 1280, scheme: 'dark', id: ids.carol },
  'failed-360-light': { width: 360, id: ids.carol },
};

describe('the page looks as it did', () => {
  it.each(Object.entries(taken))('%s', async (name, picture) => {
    const { shot, png } = await take(picture);
    if (process.env['PICTURES'] === 'write') writeFileSync(join(pictures, `${name}.png`), shot);
    expect(existsSync(join(pictures, `${name}.png`))).toBe(true);
    const { share, difference } = compare(known(name), png);
    if (share > TOLERATED) {
      mkdirSync(failed, { recursive: true });
      writeFileSync(join(failed, `${name}.png`), shot);
      writeFileSync(join(failed, `${name}-difference.png`), PNG.sync.write(difference));
    }
    // Where it differs, .build/pictures/ shows it.
    expect(share).toBeLessThanOrEqual(TOLERATED);
  });
});

describe('the comparison notices', () => {
  const name = 'failed-1280-light';
  const failedOne: Picture = { width: 1280, id: ids.carol };

  it('a state that is missing', async () => {
    const definition = JSON.parse(machines.CreateServiceUser);
    delete definition.States.UserCreated;
    definition.States.PublishUserCreated.Next = 'UserCreationRolledBack';
    const { png } = await take(failedOne, scene({ CreateServiceUser: JSON.stringify(definition) }));
    expect(compare(known(name), png).share).toBeGreaterThan(3 * TOLERATED);
  });

  it.each(['--good-ground: #fdf0d5', '--undo-ground: #e2f5e9'])(
    'a colour that has changed: %s',
    async (colour) => {
      const { png } = await take(failedOne, scene(), `:root:root { ${colour} !important; }`);
      expect(compare(known(name), png).share).toBeGreaterThan(3 * TOLERATED);
    },
  );

  it('another end of a step', async () => {
    const { png } = await take(failedOne, scene({}, { fixed: true }));
    expect(compare(known(name), png).share).toBeGreaterThan(3 * TOLERATED);
  });
});
