import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { html } from '../../src/report/html.ts';
import type {
  RecordHistory,
  Report,
  ReportDetails,
  ReportItem,
  ReportPopulation,
} from '../../src/report/model.ts';
import { hostile, poisoned } from '../support/hostile.ts';
import { sampleDetails, sampleReport } from '../support/report.ts';

async function pageOf(report: Report, details: ReportDetails = sampleDetails()): Promise<string> {
  let page = '';
  for await (const piece of html(report, details)) page += piece;
  return page;
}

const sample = sampleReport();
const page = await pageOf(sample);

/** Worked out once. */
const populations = new Map<string, ReportPopulation>();
const records = new Map<string, RecordHistory[]>();
for (const { id } of sample.period.controls.flatMap(({ tests }) => tests)) {
  const population = await sampleDetails().population(id);
  const { dataset, items } = population;
  populations.set(id, population);
  if (items.length > 0) records.set(dataset, await listed(sampleDetails().records(dataset)));
}

async function listed<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** The sample with the payload in every text of strangers. */
function poisonedPage(payload: string): Promise<string> {
  return pageOf(poisoned(sample, payload), {
    async population(test) {
      return poisoned(populations.get(test) as ReportPopulation, payload);
    },
    // Records are data only, which no string gets out of.
    async *records() {},
  });
}

/**
 * Tags with the names of their attributes: what the page is made of, without what it says; sorted,
 * since criteria stand in the order of their names.
 */
function skeleton(text: string): string[] {
  const tags = text.matchAll(
    /<(!?\/?[a-z][^\s/>]*)((?:\s+[^\s=/>"]+(?:="[^"]*")?)*)\s*\/?>|<[^\n]{0,20}/gi,
  );
  const named = [...tags].map(([whole, name, attributes = '']) => {
    if (name === undefined) return `no tag: ${whole}`;
    const names = [...attributes.matchAll(/\s([^\s=>"]+)(?:="[^"]*")?/g)].map((each) => each[1]);
    return [name, ...names].join(' ');
  });
  return named.sort();
}

/** The page without the texts of its own script and stylesheet, and without its data. */
function bare(text: string): string {
  const shown = text.replace(/<script type="application\/gzip;base64"[^>]*>[^<]*<\/script>/g, '');
  return shown.replace(/(<(script|style)\b[^>]*>).*?(<\/\2>)/gs, '$1$3');
}

interface Block {
  place: Record<string, string>;
  values: unknown[];
  characters: number;
}

function blocksOf(text: string): Block[] {
  const found = text.matchAll(/<script type="application\/gzip;base64"([^>]*)>([^<]*)<\/script>/g);
  return [...found].map(([, attributes = '', data = '']) => {
    const place = Object.fromEntries(
      [...attributes.matchAll(/data-(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        decodeURIComponent(value),
      ]),
    );
    const json = gunzipSync(Buffer.from(data, 'base64')).toString('utf8');
    return { place, values: JSON.parse(json) as unknown[], characters: json.length };
  });
}

const tests = sample.period.controls.flatMap((control) => control.tests);

describe('the page', () => {
  it('is the same bytes for the same report, in whatever order its keys are', async () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, each]) => [key, turned(each)]),
      );
    };
    const plain = sampleDetails();
    const details: ReportDetails = {
      async population(test) {
        return turned(await plain.population(test)) as never;
      },
      records: (dataset) => plain.records(dataset),
    };
    expect(await pageOf(sample, details)).toBe(page);
  });

  it('refers to nothing outside of itself', () => {
    const text = bare(page);
    expect([...text.matchAll(/\s(?:src|srcset|action|data|poster)="/g)]).toEqual([]);
    const links = [...text.matchAll(/\shref="([^"]*)"/g)].map(([, target = '']) => target);
    expect(links.length).toBeGreaterThan(100);
    expect(links.filter((target) => !/^#(\/|main$)|^data:,$/.test(target))).toEqual([]);
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? '';
    expect(style).not.toMatch(/@import|url\((?!#)/);
    const addresses = [...page.matchAll(/https?:\/\/[^\s"'<)]*/g)].map(([each]) => each);
    // The name of a kind of element; the rest is text of the sample.
    expect(new Set(addresses)).toEqual(
      new Set([
        'http://www.w3.org/2000/svg',
        'https://ci.example/1',
        'https://api.github.com',
        'https://iam.amazonaws.com',
      ]),
    );
  });

  it('lets nothing run but its own script and stylesheet, by their digests', () => {
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const digests = (of: RegExp) =>
      [...page.matchAll(of)].map(
        ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
      );
    const scripts = digests(/<script>(.*?)<\/script>/gs);
    expect(scripts).toHaveLength(2);
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `style-src ${digests(/<style>(.*?)<\/style>/gs).join(' ')}`,
      `script-src ${scripts.join(' ')}`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
    ]);
    expect(bare(page)).not.toMatch(/\sstyle="|\son\w+="/);
  });

  it('has a script that makes elements and text, and never HTML', () => {
    const [, text = ''] = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map(([, each]) => each);
    expect(text.length).toBeGreaterThan(10_000);
    expect(text).not.toMatch(
      /innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|srcdoc|createContextual|DOMParser|setHTML/,
    );
  });

  it('names each of its places once, and links to what is there', () => {
    const text = bare(page);
    const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const links = [...text.matchAll(/\shref="#([^"?]*)/g)].map(([, target = '']) => target);
    const broken = links.filter((target) => !target.startsWith('/item/') && !ids.includes(target));
    expect(broken).toEqual([]);
  });

  it('shows the first view before everything else, and data last', () => {
    const at = (text: string) => {
      expect(page).toContain(text);
      return page.indexOf(text);
    };
    expect(at('id="/summary"')).toBeLessThan(at('id="/matrix"'));
    expect(at('id="/changes"')).toBeLessThan(at('<script type="application/gzip;base64"'));
  });
});

describe('what is said without a script', () => {
  const text = (report: Report) => pageOf(report).then((all) => bare(all).replace(/<[^>]+>/g, ' '));

  it.each([
    'Which period',
    'Which scope',
    'How complete',
    'Which controls operated',
    'With which deviations',
    'What is missing',
  ])('%s', (question) => {
    const first = page.slice(page.indexOf('id="/summary"'), page.indexOf('id="/matrix"'));
    expect(first).toContain(question);
  });

  it('each control, with its conclusion, its days in words and its deviations', async () => {
    const all = await text(sample);
    for (const { id, title, conclusion, because, tests: own } of sample.period.controls) {
      expect(page).toContain(`id="/control/${id}"`);
      for (const each of [title, conclusion, ...because]) expect(all).toContain(each);
      for (const { name, uid } of own.flatMap(({ deviations }) => deviations)) {
        expect(all).toContain(name);
        expect(all).toContain(uid);
      }
    }
    expect(page).toMatch(/role="img" aria-label="\d+ of 31 days complete; [^"]*gap on \d+/);
  });

  it('what a control without a test comes to', async () => {
    const untested = sample.period.controls.filter(({ tests: own }) => own.length === 0);
    expect(untested.length).toBeGreaterThan(0);
    expect(await text(sample)).toContain('only people can show that it operated');
  });

  it('marks, interim, one date and missing bundles, in the banner of every view', async () => {
    const banner = (all: string) => all.slice(all.indexOf('<header'), all.indexOf('</header>'));
    const report = sample;
    const loud: Report = {
      ...report,
      marks: { unsigned: 1, unstamped: 2, simulated: report.nights.length, replayed: 3 },
      period: {
        ...report.period,
        as_of: '2025-08-05',
        interim: true,
        problems: ['bundle 4 is missing'],
      },
    };
    const said = banner(await pageOf(loud));
    const nights = report.nights.length;
    for (const words of [
      'Simulated clock: all nights',
      `Replayed: 3 of ${nights} nights`,
      `Unsigned: 1 of ${nights} nights`,
      `Unstamped: 2 of ${nights} nights`,
      'Interim',
      'One date only: 2025-08-05',
      'Nothing can be concluded',
    ]) {
      expect(said).toContain(words);
    }
    expect(await text(loud)).toContain('bundle 4 is missing');
    const quiet: Report = {
      ...report,
      marks: { unsigned: 0, unstamped: 0, simulated: 0, replayed: 0 },
      period: { ...report.period, interim: false },
    };
    expect(banner(await pageOf(quiet))).not.toContain('class="marks"');
  });

  it('a store without a night: nothing is green', async () => {
    const report = sample;
    const empty: Report = {
      ...report,
      ...{ head: null, nights: [], sources: [], controls: [], samples: [] },
      period: {
        ...report.period,
        ...{ controls: [], versions: [], changes: [], waivers: [], due: [], scopes: [] },
        nights: { counted: 0, first: null, last: null, left_out: [] },
      },
    };
    const all = await text(empty);
    expect(all).toContain('No night counts');
    expect(await pageOf(empty)).not.toContain('signed and stamped');
  });

  it('that a population is not known to be all there was', async () => {
    const all = await text(sample);
    expect(all).toContain('Not known to be all there was:');
    expect(all).toContain('Known to be all there was.');
  });

  it('never more than the four conclusions', async () => {
    expect(await text(sample)).not.toMatch(/\b(compliant|certified|effective)\b/i);
  });
});

describe('the data', () => {
  const found = blocksOf(page);
  const of = (kind: string) => found.filter(({ place }) => place.of === kind);

  it('holds every item of every population, with its stretches', async () => {
    for (const { id } of tests) {
      const { items } = await sampleDetails().population(id);
      const own = of('items').filter(({ place }) => place.test === id);
      expect(own.flatMap(({ values }) => values)).toEqual(items);
    }
  });

  it('holds every version of every record, with its object and calls', async () => {
    const datasets = [...new Set(of('records').map(({ place }) => place.dataset ?? ''))];
    expect(datasets.length).toBeGreaterThan(2);
    for (const dataset of datasets) {
      const histories = records.get(dataset);
      const own = of('records').filter(({ place }) => place.dataset === dataset);
      expect(own.flatMap(({ values }) => values)).toEqual(histories);
    }
  });

  it('holds every deviation', () => {
    const deviations = tests.flatMap((test) => test.deviations);
    expect(deviations.length).toBeGreaterThan(4);
    expect(
      of('deviations').flatMap(({ values }) =>
        values.map((value) => (value as { deviation: unknown }).deviation),
      ),
    ).toEqual(deviations);
  });

  it('is cut into blocks that are opened one by one, a long history too', async () => {
    const plain = sampleDetails();
    const many: ReportDetails = {
      async population(test) {
        const population = await plain.population(test);
        const [first] = population.items;
        if (first === undefined) return population;
        const items = [...Array(6_000).keys()].map(
          (index): ReportItem => ({
            ...first,
            uid: `${first.uid}/${String(index).padStart(6, '0')}`,
          }),
        );
        return { ...population, items };
      },
      async *records(dataset) {
        for await (const history of plain.records(dataset)) {
          const [version] = history.versions;
          if (version === undefined) continue;
          const original = { text: 'x'.repeat(10_000) };
          const long = { ...version, record: { ...version.record, original } };
          yield { ...history, versions: Array(365).fill(long) };
        }
      },
    };
    const blocks = blocksOf(await pageOf(sample, many));
    expect(Math.max(...blocks.map(({ characters }) => characters))).toBeLessThan(1 << 20);
    const items = blocks.filter(({ place }) => place.of === 'items' && place.test === tests[0]?.id);
    expect(items.length).toBeGreaterThan(1);
    for (const { place, values } of items) {
      const { source, scope, uid } = values[0] as ReportItem;
      expect(JSON.parse(place.first ?? '')).toEqual([source, scope, uid]);
    }
  });
});

describe('words of strangers', () => {
  let plain: string[] = [];
  beforeAll(async () => {
    plain = skeleton(bare(await poisonedPage('x')));
  });

  it.each(hostile)('stay text: %s', async (_name, payload) => {
    const written = await poisonedPage(payload);
    expect(plain.filter((tag) => tag.startsWith('no tag'))).toEqual([]);
    expect(skeleton(bare(written))).toEqual(plain);
    // What turns text around or is no character does not reach the page.
    expect(bare(written)).not.toMatch(
      /(?![\t\n])[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Noncharacter_Code_Point}]/u,
    );
  });

  it('can all be seen: what turns text around is named', async () => {
    const report = sample;
    const [first, ...rest] = report.samples;
    if (first === undefined) throw new Error('the sample has no draw');
    const written = await pageOf({ ...report, samples: [{ ...first, by: 'a\u202eb' }, ...rest] });
    expect(written).toContain('<dd>a[U+202E]b</dd>');
  });
});
