import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { html } from '../../src/report/html.ts';
import type { Report, ReportDetails, ReportItem } from '../../src/report/model.ts';
import { chromiumPath, openBrowser } from '../support/browser.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { sampleDetails, sampleReport } from '../support/report.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

if (chromiumPath === undefined) {
  process.stderr.write('skipped: the report in a browser needs Chromium in the PATH\n');
}

const sample = sampleReport();
const deviations = sample.period.controls
  .flatMap(({ tests }) => tests)
  .flatMap((test) => test.deviations);
/** A state that failed, whose records the sample has. */
const deviation = deviations.find(({ test }) => test === 'aws-iam-mfa') as (typeof deviations)[0];
const itemAddress = `#/item/${[deviation.test, deviation.source, deviation.scope, deviation.uid]
  .map(encodeURIComponent)
  .join('/')}`;

describe.skipIf(chromiumPath === undefined)('the report in a browser', () => {
  let browser: Browser;
  let file: string;

  async function written(report: Report, details: ReportDetails): Promise<string> {
    let text = '';
    for await (const piece of html(report, details)) text += piece;
    const path = join(await temporaryFolder(), 'report.html');
    await writeFile(path, text);
    return path;
  }

  beforeAll(async () => {
    file = await written(sample, sampleDetails());
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await removeTemporary();
  });

  /** What a page did that it may not do. */
  const faults = new Map<Page, string[]>();

  async function open(
    address: string,
    options: Parameters<Browser['newPage']>[0] = {},
    path = file,
  ): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    const found: string[] = [];
    faults.set(page, found);
    const url = pathToFileURL(path).href;
    page.on('console', (message) => found.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => found.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      found.push(`dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on('request', (request) => {
      const asked = request.url();
      if (asked.split('#')[0] !== url && asked !== 'data:,') found.push(`request: ${asked}`);
    });
    await page.goto(url + address);
    return page;
  }

  async function done(page: Page): Promise<void> {
    expect(faults.get(page)).toEqual([]);
    await page.close();
  }

  const titleOf = (page: Page) => page.locator('.view:visible h2').innerText();

  it('leads from the search to the request id of one call', async () => {
    const page = await open('');
    expect(await titleOf(page)).toBe('Summary');
    await page.keyboard.press('/');
    await page.keyboard.type(deviation.name);
    const row = page.locator('#\\/search tbody tr', { hasText: deviation.test });
    await row.first().getByRole('link', { name: deviation.name }).click();
    await page.getByText('Request id').first().waitFor();
    expect(await titleOf(page)).toBe(deviation.name);
    const view = await page.locator('.view:visible').innerText();
    let known: string | null | undefined;
    for await (const history of sampleDetails().records(deviation.dataset)) {
      if (history.uid === deviation.uid) known = history.versions[0]?.calls[0]?.request_id;
    }
    expect(known).toMatch(/^[0-9a-f]{32}$/);
    expect(view).toContain(known);
    expect(view).toContain('Fri, 01 Aug 2025 02:00:01 GMT');
    expect(view).toContain(`"Id": "${deviation.uid}"`);
    expect(view).toContain('"MaxItems": 1000');
    await done(page);
  });

  it('shows of a deviation’s item what its bracket was', async () => {
    const page = await open(itemAddress);
    const table = page.getByRole('table', { name: `Deviations of ${deviation.name}` });
    await table.waitFor();
    expect(await table.innerText()).toContain(
      `by ${deviation.opened.by.slice(0, 16).replace('T', ' ')}`,
    );
    await done(page);
  });

  it('filters, and keeps search, filter and page in the address over a reload', async () => {
    const page = await open('#/deviations');
    const count = page.locator('.view:visible').getByRole('status');
    await expect.poll(() => count.innerText()).toBe(`${deviations.length} deviations`);
    await page.getByLabel('State').selectOption('event');
    const events = deviations.filter(({ kind, waived }) => kind === 'event' && waived === 'no');
    expect(events.length).toBeGreaterThan(0);
    const said = `${events.length} of ${deviations.length} deviations`;
    await expect.poll(() => count.innerText()).toBe(said);
    await page.reload();
    await expect.poll(() => count.innerText()).toBe(said);
    await page.getByLabel('Search deviations').fill('no such name');
    await expect.poll(() => count.innerText()).toBe(`0 of ${deviations.length} deviations`);
    expect(page.url()).toMatch(/#\/deviations\?state=event&q=no\+such\+name$/);
    await done(page);
  });

  it('filters the controls of the summary', async () => {
    const page = await open('#/summary?conclusion=insufficient+evidence');
    const wanted = sample.period.controls.filter(
      ({ conclusion }) => conclusion === 'insufficient evidence',
    );
    const rows = page.locator('table.controls tbody tr:visible');
    await expect.poll(() => rows.count()).toBe(wanted.length);
    expect(wanted.length).toBeLessThan(sample.period.controls.length);
    await done(page);
  });

  it('cuts a long population into pages, which the address names too', async () => {
    const plain = sampleDetails();
    const path = await written(sample, {
      records: plain.records,
      async population(test) {
        const population = await plain.population(test);
        const [first] = population.items;
        if (test !== deviation.test || first === undefined) return population;
        const items = [...Array(5_000).keys()].map((index): ReportItem => {
          const name = `user-${String(index).padStart(5, '0')}`;
          return { ...first, uid: name, name };
        });
        return { ...population, items };
      },
    });
    const page = await open(`#/test/${deviation.test}`, {}, path);
    const count = page.locator('.view:visible').getByRole('status');
    await expect.poll(() => count.innerText()).toBe('5,000 resources; page 1 of 50');
    await page.getByRole('button', { name: 'Next' }).click();
    expect(await page.locator('.view:visible tbody tr').first().innerText()).toContain(
      'user-00100',
    );
    await page.reload();
    await expect.poll(() => count.innerText()).toBe('5,000 resources; page 2 of 50');
    await page.getByLabel('Search resources').fill('user-04321');
    await expect.poll(() => count.innerText()).toBe('1 of 5,000 resources');
    await page.getByRole('link', { name: 'user-04321' }).click();
    await expect.poll(() => titleOf(page)).toBe('user-04321');
    await done(page);
  });

  it('is walked by keys alone', async () => {
    const page = await open('');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the report');
    await page.keyboard.press('Enter');
    expect(await titleOf(page)).toBe('Summary');
    const links = page.locator('table.controls tbody th a');
    await links.first().focus();
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate('document.activeElement.textContent')).toBe(
      sample.period.controls[1]?.id,
    );
    await page.keyboard.press('Enter');
    await expect.poll(() => titleOf(page)).toContain(sample.period.controls[1]?.title);
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H2');
    await page.keyboard.press('Escape');
    await expect.poll(() => titleOf(page)).toBe('Summary');
    await done(page);
  });

  it('says what it does not have', async () => {
    const page = await open('#/control/XX-99');
    expect(await titleOf(page)).toBe('Not in this report');
    await done(page);
    const gone = await open('#/item/aws-iam-mfa/production/1/nobody');
    await gone.getByText('not in the population of this test').waitFor();
    await gone.getByText('No record of it is in this report').waitFor();
    await done(gone);
    // An address that is no address.
    const odd = await open('#/item/%E0%A4%A/%');
    await odd.getByText('There is no such test in this report').waitFor();
    await done(odd);
  });

  it('says that its data are broken, where they are', async () => {
    const path = join(await temporaryFolder(), 'broken.html');
    const text = readFileSync(file, 'utf8');
    await writeFile(path, text.replace(/(data-of="deviations"[^>]*>)[^<]*/, '$1AAAA'));
    const page = await open('#/deviations', {}, path);
    await page.getByText('The data could not be opened').waitFor();
    await done(page);
  });

  it('shows all of it without scripts', async () => {
    const page = await open('', { javaScriptEnabled: false });
    const views = page.locator('.view');
    expect(await views.count()).toBeGreaterThan(15);
    for (const each of await views.all()) expect(await each.isVisible()).toBe(true);
    await page.getByRole('link', { name: 'AC-01' }).first().click();
    await expect
      .poll(() => page.locator('#\\/control\\/AC-01').evaluate((e) => e.matches(':target')))
      .toBe(true);
    await done(page);
  });

  it('prints every control, and nothing to click on', async () => {
    const page = await open('#/summary');
    await page.emulateMedia({ media: 'print' });
    for (const { id } of sample.period.controls) {
      expect(await page.locator(`[id="/control/${id}"]`).isVisible()).toBe(true);
    }
    expect(await page.locator('nav, input, select, button').locator('visible=true').count()).toBe(
      0,
    );
    expect(await page.locator('.marks').isVisible()).toBe(true);
    await done(page);
  });

  const addresses = [
    ...['#/summary', '#/matrix', '#/control/AC-02', '#/deviations', '#/gaps', '#/waivers'],
    ...['#/populations', '#/samples', '#/nights', '#/sources', '#/changes'],
    ...[`#/test/${deviation.test}`, itemAddress, '#/search?q=a'],
  ];

  it.each([
    ['light', {}, { colorScheme: 'light' }],
    // Only the colours differ.
    ['dark', { runOnly: ['color-contrast'] }, { colorScheme: 'dark' }],
    // What scrolls within, and what fingers have to hit.
    [
      'a phone',
      { runOnly: ['scrollable-region-focusable', 'target-size'] },
      { colorScheme: 'light', viewport: { width: 360, height: 740 } },
    ],
  ] as const)('is accessible in every view: %s', async (_name, rules, options) => {
    const page = await open('', { ...options, bypassCSP: true });
    await page.evaluate(axe.source);
    for (const address of addresses) {
      await page.evaluate(`location.hash = ${JSON.stringify(address)}`);
      const opening = page.locator('.view:visible [role=status]', { hasText: /^Opening|so far/ });
      await expect.poll(() => opening.count()).toBe(0);
      const broken = (await page.evaluate(
        `axe.run(${address === '#/summary' ? 'document' : "'.view.open'"}, ${JSON.stringify({ resultTypes: ['violations'], ...rules })}).then(({ violations }) =>
          violations.map(({ id, nodes }) => id + ': ' + nodes.map((n) => n.html).join(' ').slice(0, 400)))`,
      )) as string[];
      expect(broken, address).toEqual([]);
      const beyond = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(beyond, `${address} is wider than the window`).toBeLessThanOrEqual(0);
    }
    await page.close();
  });

  it('runs nothing that strangers wrote', async () => {
    const payload = hostile
      .map(([, text]) => text)
      .filter((text) => text.length < 1_000)
      .join(' ');
    const poison = (details: ReportDetails): ReportDetails => ({
      population: async (test) => poisoned(await details.population(test), payload),
      async *records(dataset) {
        for await (const each of details.records(dataset)) yield poisoned(each, payload);
      },
    });
    const path = await written(poisoned(sample, payload), poison(sampleDetails()));
    const page = await open('', {}, path);
    for (const address of ['#/summary', '#/deviations', '#/samples', `#/test/${deviation.test}`]) {
      await page.evaluate(`location.hash = ${JSON.stringify(address)}`);
      await page.locator('.view:visible table').first().waitFor();
    }
    await page.locator('.view:visible tbody th a').first().click();
    await page.getByText('The API’s own object').first().waitFor();
    await page.evaluate("location.hash = '#/search?q=script'");
    await page.locator('#\\/search tbody tr').first().waitFor();
    expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
    expect(await page.locator('iframe, img, form, object, embed, base, math').count()).toBe(0);
    await done(page);
  });
});
