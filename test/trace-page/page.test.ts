import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { ids } from '../trace/support/scene.ts';
import { severalIds, severalServices, severalTargets } from '../trace/support/several-targets.ts';
import { findViolations } from './support/axe.ts';
import { open, startBrowser, type Viewport } from './support/browser.ts';
import { type Site, siteOf } from './support/site.ts';

let browser: Browser;
let site: Site;

beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), siteOf()]);
});
afterAll(async () => {
  await browser.close();
  site.close();
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

const waitForPage = async (page: Page, id?: string) =>
  id === undefined
    ? page.getByRole('link', { name: /carol/ }).waitFor()
    : page.getByRole('heading', { name: 'Timeline' }).waitFor();

/** Opens the panel of the failed step AddToGroup of carol's creation. */
const openAddToGroup = async (page: Page) => {
  await page
    .getByRole('button', { name: /AddToGroup.*failed.*1 retry/ })
    .first()
    .click();
  await page.getByRole('complementary', { name: 'AddToGroup' }).waitFor();
};

describe('the page', () => {
  it('shows failures of the last hour, their causes, what is left behind, and remedies', async () => {
    const { page } = await open(browser, site.at(), { width: 1280 });
    await page.getByRole('button', { name: '3 failed in the last hour' }).click();
    const rows = page.getByRole('list').getByRole('link');

    await expect(rows.count()).resolves.toBe(3);
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringMatching(
        /carol[\s\S]*USER_CREATION_FAILED[\s\S]*App2, AddToGroup: AccessDeniedException[\s\S]*no user left/,
      ),
      expect.stringMatching(/bob[\s\S]*PASSWORD_REJECTED[\s\S]*no user left/),
      expect.stringMatching(/dave[\s\S]*ROLL_BACK_FAILED[\s\S]*a user may be left/),
    ]);

    await page.getByRole('button', { name: '1 left behind' }).click();

    await expect(rows.count()).resolves.toBe(1);

    await rows.first().click();
    const advice = page.getByRole('alert').filter({ hasText: 'Cause and remedy' });

    expect(await advice.innerText()).toMatch(/The sweep starts the next roll-back\./);
    expect(await advice.innerText()).toMatch(/DeleteUser lacks a permission\. CloudTrail names it/);
  });

  it('shows input, output, attempts and remedy of a step', async () => {
    const { page } = await open(browser, site.at(ids.carol), { width: 1280 });
    await openAddToGroup(page);
    const panel = page.getByRole('complementary', { name: 'AddToGroup' });
    const text = await panel.innerText();

    expect(text).toMatch(/ServiceUnavailable[\s\S]*AccessDeniedException/);
    expect(text).toMatch(/What to do: AddToGroup lacks a permission/);
    expect(await panel.getByRole('region', { name: 'Input' }).innerText()).toContain('"sub": "a3"');
    expect(await panel.getByRole('region', { name: 'Assigned variables' }).innerText()).toContain(
      '"failure"',
    );
  });

  it('shows the state machines side by side, with compensation', async () => {
    const { page } = await open(browser, site.at(ids.carol), { width: 1280 });
    await waitForPage(page, ids.carol);
    const [app1, app2] = ['App1, ProvisionServiceUser', 'App2, CreateServiceUser'].map((name) =>
      page.getByRole('region', { name }),
    );
    if (app1 === undefined || app2 === undefined) throw new Error('A state machine is missing.');
    const [left, right] = [await app1.boundingBox(), await app2.boundingBox()];

    expect(left?.y).toBe(right?.y);
    expect(right?.x).toBeGreaterThan((left?.x ?? 0) + (left?.width ?? 0));

    await app2.getByRole('button', { name: /DeleteUser.*compensated/ }).waitFor();
    await app2.getByRole('button', { name: /AddToGroup.*failed.*1 retry/ }).waitFor();
    await app2.getByText('not reached').first().waitFor();

    expect(await app2.getByText('Cancelled').count()).toBe(0);

    await app2.getByRole('switch').check({ force: true });
    await app2.getByText('Cancelled').first().waitFor();
  });

  it('shows published events on the timeline', async () => {
    const { page } = await open(browser, site.at(ids.carol), { width: 1280 });
    const line = page.getByRole('region', { name: 'Timeline' });
    await line.getByText('ServiceUserCreationRolledBack', { exact: true }).click();
    await line.getByText('and its user was removed').waitFor();
  });
});

describe('a provisioning with several targets', () => {
  let several: Site;
  beforeAll(async () => {
    several = await siteOf(severalTargets(), severalServices);
  });
  afterAll(() => several.close());

  const openOne = async (who: keyof typeof severalIds, viewport: Viewport = { width: 1280 }) => {
    const { page, complaints } = await open(browser, several.at(severalIds[who]), viewport);
    await waitForPage(page, severalIds[who]);
    return { page, complaints };
  };
  const names = ['App2', 'Payments', 'Orders'];

  it('has a pane for each target side by side, with the steps of App1 and those of the target', async () => {
    const { page } = await openOne('hugo');
    const panes = names.map((name) => page.getByRole('region', { name, exact: true }));

    const boxes = await Promise.all(panes.map((pane) => pane.boundingBox()));
    expect(new Set(boxes.map((box) => box?.y)).size).toBe(1);
    const lefts = boxes.map((box) => box?.x ?? 0);
    expect(lefts).toEqual([...lefts].sort((a, b) => a - b));
    expect(new Set(lefts).size).toBe(3);
    const payments = page.getByRole('region', { name: 'Payments', exact: true });
    const app1 = payments.getByRole('region', { name: 'App1 at Payments, ProvisionServiceUser' });
    await app1.getByRole('button', { name: /RequestUserCreation.*failed/ }).waitFor();
    const own = payments.getByRole('region', { name: 'Payments, CreateServiceUser' });
    await own.getByRole('button', { name: /AddToGroup.*failed/ }).waitFor();
    const orders = page.getByRole('region', { name: 'App1 at Orders, ProvisionServiceUser' });
    await orders.getByRole('button', { name: /RequestUserCreation.*stopped/ }).waitFor();
    await orders.getByRole('button', { name: /CancelUserCreation.*compensated/ }).waitFor();
  });

  it('has the steps outside the Maps above the panes, and those of all targets with all states', async () => {
    const { page } = await openOne('hugo');
    const app1 = page.getByRole('region', { name: 'App1, ProvisionServiceUser' });
    await app1.getByRole('button', { name: /CompensateTargets.*compensated/ }).waitFor();

    expect(await app1.getByRole('button', { name: /RequestUserCreation/ }).count()).toBe(0);

    await app1.getByRole('switch').check({ force: true });

    await app1.getByRole('button', { name: /RequestUserCreation.*1 done, 1 failed, 1 stopped/ }).waitFor();
    await app1.getByRole('button', { name: /ProvisionTargets.*failed/ }).waitFor();
  });

  it('names the target of the failure, in the panel of a step and on the timeline', async () => {
    const { page } = await openOne('hugo');
    const advice = page.getByRole('alert').filter({ hasText: 'Cause and remedy' });

    expect(await advice.innerText()).toContain('at App1, step RequestUserCreation at Payments');

    await page
      .getByRole('region', { name: 'Timeline' })
      .getByRole('button', { name: /RequestUserCreation at Payments.*failed/ })
      .click();

    const panel = page.getByRole('complementary', { name: 'RequestUserCreation' });
    expect(await panel.innerText()).toContain('App1 at Payments, ProvisionServiceUser');
  });

  it('names the targets at which a user may be left', async () => {
    const { page } = await openOne('iris');
    const orders = page.getByRole('region', { name: 'Orders', exact: true });

    expect(await orders.innerText()).toMatch(/^Orders\s+a user may be left/);
    await page.getByText('a user may be left at Orders', { exact: true }).first().waitFor();
  });

  it('filters the list by target', async () => {
    const { page } = await open(browser, several.at(), { width: 1280 });
    await page.getByRole('combobox', { name: 'State' }).selectOption('failed');
    await page.getByRole('combobox', { name: 'Target' }).selectOption('payments');

    const rows = page.getByRole('list').getByRole('link');
    await page.getByText('1 provisioning of').waitFor();
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringMatching(/hugo[\s\S]*3 targets[\s\S]*App1, RequestUserCreation at Payments/),
    ]);
  });

  it.each([360, 1280])('violates no accessibility rule and fits %s px', async (width) => {
    const { page, complaints } = await openOne('hugo', { width });
    await page.getByRole('switch').first().check({ force: true });

    expect(await findViolations(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(complaints).toEqual([]);
  });
});

describe('the keyboard', () => {
  const focused = (page: Page) =>
    page.evaluate<{ text: string; outline: string }>(
      '({ text: document.activeElement.textContent, outline: getComputedStyle(document.activeElement).outlineStyle })',
    );

  it('navigates from the list to a step and back', async () => {
    const { page } = await open(browser, site.at(), { width: 1280 });
    await waitForPage(page);
    const tabTo = async (text: string) => {
      for (let tabs = 0; tabs < 60; tabs += 1) {
        await page.keyboard.press('Tab');
        const { text: at, outline } = await focused(page);
        expect(outline).not.toBe('none');
        if (at.replaceAll('\u200b', '').startsWith(text)) return;
      }
      throw new Error(`Tab does not reach ${text}.`);
    };
    await tabTo('runningfrida');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');

    expect((await focused(page)).text).toContain('carol');

    await page.keyboard.press('Enter');
    await waitForPage(page, ids.carol);

    expect((await focused(page)).text).toBe('carol');

    await tabTo('AddToGroup');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'AddToGroup' }).waitFor();

    expect((await focused(page)).text).toBe('AddToGroup');

    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });

    expect((await focused(page)).text.replaceAll('\u200b', '')).toContain('AddToGroup');

    await page.goBack();
    await page.goBack();
    await page.goBack();
    await waitForPage(page);

    expect((await focused(page)).text).toContain('carol');
  });
});

const viewports: Viewport[] = [360, 1280].flatMap((width) =>
  (['light', 'dark'] as const).map((scheme) => ({ width, scheme })),
);

const views = [
  ['the list', undefined],
  ['a failed provisioning', ids.carol],
  ['a step', ids.carol, openAddToGroup],
] as const;

it.each(viewports)(
  'violates no accessibility rule, requests no other origin, and fits $width px, $scheme',
  async (viewport) => {
    const { page, complaints } = await open(browser, site.at(), viewport);
    const found: Record<string, unknown> = {};
    for (const [what, id, openPanel] of views) {
      await page.goto(site.at(id));
      await waitForPage(page, id);
      await openPanel?.(page);
      found[what] = {
        violations: await findViolations(page),
        width: await page.evaluate('document.documentElement.scrollWidth'),
      };
    }
    const expected = { violations: [], width: viewport.width };

    expect(found).toEqual(Object.fromEntries(views.map(([what]) => [what, expected])));
    expect(complaints).toEqual([]);
  },
);

describe('the appearance', () => {
  const ground = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');

  it('follows the colour scheme of the system until the user selects one', async () => {
    const { page } = await open(browser, site.at(), { width: 1280, scheme: 'dark' });
    await waitForPage(page);
    const dark = await ground(page);
    await page.getByRole('button', { name: /Colours: as the system/ }).click();
    const light = await ground(page);

    expect(light).not.toBe(dark);

    await page.getByRole('button', { name: /Colours: light/ }).click();

    expect(await ground(page)).toBe(dark);

    await page.reload();
    await page.getByRole('button', { name: /Colours: dark/ }).waitFor();
  });

  it('has no animation with reduced motion', async () => {
    const runningAnimations = async (reducedMotion: 'reduce' | 'no-preference') => {
      const { page } = await open(browser, site.at(), { width: 1280 }, { reducedMotion });
      await waitForPage(page);
      return page.evaluate<number>("document.querySelector('.icon-run').getAnimations().length");
    };

    expect([await runningAnimations('no-preference'), await runningAnimations('reduce')]).toEqual([1, 0]);
  });

  it('shows the list beside the provisioning on a wide screen, and stacked state machines on a small one', async () => {
    const wide = await open(browser, site.at(ids.carol), { width: 3840, height: 2160 });
    await waitForPage(wide.page, ids.carol);
    await wide.page.getByRole('link', { name: /dave/ }).waitFor();
    const small = await open(browser, site.at(ids.carol), { width: 360 });
    await waitForPage(small.page, ids.carol);

    expect(await small.page.getByRole('link', { name: /dave/ }).count()).toBe(0);

    const machine = (name: string) => small.page.getByRole('region', { name }).boundingBox();
    const [first, second] = [await machine('App1, Prov'), await machine('App2, Create')];

    expect(second?.y).toBeGreaterThan((first?.y ?? 0) + (first?.height ?? 0));
    expect(second?.x).toBe(first?.x);
  });
});

describe('without a response of the server', () => {
  it('keeps the data and shows a remedy', async () => {
    const { page } = await open(browser, site.at(), { width: 1280 });
    await waitForPage(page);
    await page.route('**/api/**', (route) => route.abort());
    await page.getByRole('alert').getByText('npm run trace').waitFor();
    await waitForPage(page);
  });
});
