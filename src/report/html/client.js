/**
 * What runs in the page (docs/report.md). The page holds the text of these two functions, so each
 * has to stand alone: nothing from outside of it, no types but in comments. What it shows are
 * strangers' words: it makes elements and text, and never HTML.
 *
 * @import { EvidenceRecord } from '../../evidence/slice.ts'
 * @import { Bracket, Deviation } from '../../period/report.ts'
 * @import { Query, RecordHistory, RecordVersion, ReportCall, ReportItem } from '../model.ts'
 * @import { DeviationWords } from './words.ts'
 */

/** Says that there is a script, before anything is drawn. */
export function mark() {
  document.documentElement.classList.add('script');
}

/** Shows one view at a time, by the address; opens the data; searches and filters. */
export function client() {
  /** @typedef {{ id: string, title: string, dataset: string, kind: string }} Test */
  /** @typedef {{ id: string, title: string, conclusion: string, tests: Test[] }} Control */
  /** @typedef {{ title: string, start: string, end: string, controls: Control[] }} Model */
  /** @typedef {{ path: string[], params: URLSearchParams }} Address */
  /** @typedef {{ element: HTMLScriptElement, of: string, test: string, dataset: string, first: string[] }} Block */
  /** @typedef {Node | string} Child */
  /** @typedef {{ deviation: Deviation, words: DeviationWords }} Told */
  /** @typedef {{ test: Test, control: Control, item: ReportItem }} Found */

  // --- Text and elements -------------------------------------------------------------------

  const unseen =
    /(?![\t\n])[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Noncharacter_Code_Point}\p{Zl}\p{Zp}\u200b\u2060\ufeff\u{e0000}-\u{e007f}]/gu;

  /** @param {string} character */
  const number = (character) => (character.codePointAt(0) ?? 0).toString(16);

  /** @param {string} text */
  const visible = (text) =>
    text.replace(unseen, (each) => `[U+${number(each).toUpperCase().padStart(4, '0')}]`);

  /**
   * JSON in which every character can be seen, and which is the same JSON.
   * @param {unknown} value
   */
  const json = (value) =>
    JSON.stringify(value, null, 2).replace(unseen, (each) =>
      [...Array(each.length).keys()]
        .map((at) => `\\u${each.charCodeAt(at).toString(16).padStart(4, '0')}`)
        .join(''),
    );

  /**
   * @template {keyof HTMLElementTagNameMap} K
   * @param {K} tag
   * @param {Record<string, string>} attributes
   * @param {...Child} children strings become text
   * @returns {HTMLElementTagNameMap[K]}
   */
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.map((each) => (typeof each === 'string' ? visible(each) : each)));
    return element;
  };

  /**
   * @param {string} tag
   * @param {Record<string, string>} attributes
   * @param {...Child} children
   */
  const draw = (tag, attributes, ...children) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  /** @param {number} count */
  const counted = (count) => count.toLocaleString('en-US');

  /** @param {string} time */
  const minute = (time) => (time.length > 16 ? `${time.slice(0, 10)} ${time.slice(11, 16)}` : time);

  /** @param {string[]} all each a line of its own */
  const lines = (all) => all.map((each) => make('span', { class: 'line own' }, each));

  /**
   * @param {Bracket | null} bracket
   * @param {string} without said where there is none
   */
  const between = (bracket, without) => {
    if (bracket === null) return [without];
    const { after, by } = bracket;
    return lines([...(after === null ? [] : [`after ${minute(after)}`]), `by ${minute(by)}`]);
  };

  /**
   * @param {string} address
   * @param {...Child} children
   */
  const link = (address, ...children) => make('a', { href: `#${address}` }, ...children);

  /** @param {readonly string[]} path */
  const addressOf = (path) =>
    `/${path.map((part) => encodeURIComponent(part.toWellFormed())).join('/')}`;

  /**
   * @param {string} test
   * @param {{ source: string, scope: string, uid: string, name: string }} of
   */
  const resource = (test, of) => [
    link(addressOf(['item', test, of.source, of.scope, of.uid]), of.name === '' ? of.uid : of.name),
    ...(of.uid === of.name ? [] : [make('span', { class: 'uid' }, of.uid)]),
    make('span', { class: 'uid' }, `${of.source} ${of.scope}`),
  ];

  /** @param {(readonly [string, Child])[]} pairs */
  const facts = (pairs) =>
    make(
      'dl',
      { class: 'facts' },
      ...pairs
        .filter(([, said]) => said !== '')
        .map(([term, said]) => make('div', {}, make('dt', {}, term), make('dd', {}, said))),
    );

  /**
   * @param {string} caption
   * @param {{ head: string, kind?: string }[]} columns
   * @param {Child[][][]} rows
   */
  const table = (caption, columns, rows) => {
    const heads = columns.map(({ head, kind }) =>
      make('th', { scope: 'col', ...(kind ? { class: kind } : {}) }, head),
    );
    const lines = rows.map((row) =>
      make(
        'tr',
        {},
        ...row.map((cell, index) => {
          const kind = columns[index]?.kind;
          if (kind === 'key') return make('th', { scope: 'row' }, ...cell);
          return make('td', kind ? { class: kind } : {}, ...cell);
        }),
      ),
    );
    return make(
      'div',
      { class: 'scroll', role: 'region', 'aria-label': visible(caption), tabindex: '0' },
      make(
        'table',
        {},
        make('caption', {}, caption),
        make('thead', {}, make('tr', {}, ...heads)),
        make('tbody', {}, ...lines),
      ),
    );
  };

  // --- Data --------------------------------------------------------------------------------

  /** Everything is there once the page was read to its end. */
  const parsed =
    document.readyState === 'loading'
      ? new Promise((resolve) => {
          document.addEventListener('DOMContentLoaded', resolve, { once: true });
        })
      : Promise.resolve();

  /** @type {Block[] | undefined} */
  let known;

  const allBlocks = async () => {
    await parsed;
    known ??= [...document.querySelectorAll('script[type="application/gzip;base64"]')].map(
      (each) => {
        const element = /** @type {HTMLScriptElement} */ (each);
        const { of = '', test = '', dataset = '', first = '%5B%5D' } = element.dataset;
        return {
          element,
          of,
          test: decodeURIComponent(test),
          dataset: decodeURIComponent(dataset),
          first: JSON.parse(decodeURIComponent(first)),
        };
      },
    );
    return known;
  };

  /**
   * @param {Block} block
   * @returns {Promise<any[]>}
   */
  const opened = async ({ element }) => {
    if (!('DecompressionStream' in window)) {
      throw new Error('This browser is too old to open the data of this page.');
    }
    const bytes = Uint8Array.from(atob(element.textContent ?? ''), (each) => each.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return JSON.parse(await new Response(stream).text());
  };

  /**
   * @param {string[]} a
   * @param {string[]} b
   */
  const compare = (a, b) => {
    for (let at = 0; at < a.length; at += 1) {
      const [left = '', right = ''] = [a[at], b[at]];
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  };

  /**
   * Of blocks in the order of their keys those that may hold something of this key.
   * @param {Block[]} blocks
   * @param {string[]} key
   */
  const holding = (blocks, key) =>
    blocks.filter(({ first }, index) => {
      const next = blocks[index + 1];
      return compare(first, key) <= 0 && (next === undefined || compare(next.first, key) >= 0);
    });

  /** @type {Promise<Model> | undefined} */
  let modelRead;

  const model = () => {
    modelRead ??= (async () => {
      const [block] = (await allBlocks()).filter(({ of }) => of === 'model');
      if (block === undefined) throw new Error('This page has lost its data.');
      const [read] = await opened(block);
      return /** @type {Model} */ (read);
    })();
    return modelRead;
  };

  /** @returns {Promise<Map<string, { test: Test, control: Control }>>} */
  const tests = async () => {
    const { controls } = await model();
    return new Map(
      controls.flatMap((control) => control.tests.map((test) => [test.id, { test, control }])),
    );
  };

  /**
   * @param {string} of
   * @param {string} [test]
   */
  async function* batches(of, test = '') {
    for (const block of await allBlocks()) {
      if (block.of === of && block.test === test) yield await opened(block);
    }
  }

  // --- The address -------------------------------------------------------------------------

  /** @returns {Address} */
  const readAddress = () => {
    const text = location.hash.startsWith('#/') ? location.hash.slice(2) : 'summary';
    const [path = '', query = ''] = text.split(/\?(.*)/s);
    const part = (/** @type {string} */ each) => {
      try {
        return decodeURIComponent(each);
      } catch {
        return each;
      }
    };
    return { path: path.split('/').map(part), params: new URLSearchParams(query) };
  };

  let address = readAddress();

  /**
   * What is set survives a reload and goes with the link; nothing is added to the history.
   * @param {Record<string, string>} values
   */
  const keep = (values) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === '') address.params.delete(name);
      else address.params.set(name, value);
    }
    const query = address.params.toString();
    history.replaceState(null, '', `#${addressOf(address.path)}${query === '' ? '' : `?${query}`}`);
  };

  const param = (/** @type {string} */ name) => address.params.get(name) ?? '';

  // --- Lists -------------------------------------------------------------------------------

  const pageSize = 100;
  let fields = 0;

  /**
   * @param {string} label
   * @param {HTMLElement} field
   */
  const labelled = (label, field) => {
    fields += 1;
    field.id = `field-${fields}`;
    return make('label', { for: field.id }, label, field);
  };

  /**
   * @param {string} name of the parameter
   * @param {string} label
   * @param {[string, string][]} choices values and their words
   * @param {() => void} changed
   */
  const choice = (name, label, choices, changed) => {
    const select = make(
      'select',
      {},
      ...choices.map(([value, words]) => make('option', { value }, words)),
    );
    select.value = choices.some(([value]) => value === param(name)) ? param(name) : '';
    select.addEventListener('change', () => {
      keep({ [name]: select.value, page: '' });
      changed();
    });
    return labelled(label, select);
  };

  /**
   * @param {string} label
   * @param {() => void} changed after a moment without a key
   */
  const searchField = (label, changed) => {
    const input = make('input', { type: 'search', autocomplete: 'off', spellcheck: 'false' });
    input.value = param('q');
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let waiting;
    input.addEventListener('input', () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        keep({ q: input.value, page: '' });
        changed();
      }, 100);
    });
    return labelled(label, input);
  };

  /** @param {string} query */
  const wordsOf = (query) =>
    query
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');

  /**
   * A table of what may be too much for one page, with a search and filters.
   * @template T
   * @param {HTMLElement} host
   * @param {{
   *   noun: string,
   *   caption: string,
   *   columns: { head: string, kind?: string }[],
   *   choices: { name: string, label: string, choices: [string, string][], fits: (value: T, chosen: string) => boolean }[],
   *   load: () => AsyncIterable<T[]>,
   *   text: (value: T) => string,
   *   row: (value: T) => Child[][],
   *   search?: boolean,
   * }} spec
   */
  const list = (host, spec) => {
    const { noun, caption, columns, choices, load, text, row } = spec;
    const mine = address;
    /** @type {{ value: T, text: string }[]} */
    const all = [];
    let whole = false;
    let drawn = 0;
    const count = make('p', { class: 'count-line', role: 'status' });
    const body = make('div', {});

    const show = () => {
      if (address !== mine) return;
      const words = wordsOf(param('q'));
      const chosen = choices.filter(({ name }) => param(name) !== '');
      const fitting =
        words.length === 0 && chosen.length === 0
          ? all
          : all.filter(
              (each) =>
                words.every((word) => each.text.includes(word)) &&
                chosen.every(({ name, fits }) => fits(each.value, param(name))),
            );
      const pages = Math.max(1, Math.ceil(fitting.length / pageSize));
      const page = Math.min(pages, Math.max(1, Math.trunc(Number(param('page')) || 1)));
      const of =
        fitting.length === all.length
          ? counted(all.length)
          : `${counted(fitting.length)} of ${counted(all.length)}`;
      count.textContent = `${of} ${noun}${whole ? '' : ' so far, opening more'}${pages === 1 ? '' : `; page ${page} of ${counted(pages)}`}`;
      drawn = fitting.length;
      const rows = fitting.slice((page - 1) * pageSize, page * pageSize);
      /** @param {string} words @param {number} to */
      const button = (words, to) => {
        const made = make('button', { type: 'button' }, words);
        made.disabled = to < 1 || to > pages;
        made.addEventListener('click', () => {
          keep({ page: to === 1 ? '' : String(to) });
          show();
          host.scrollIntoView({ block: 'start' });
          const again = [...body.querySelectorAll('button')].find(
            (each) => each.textContent === words && !each.disabled,
          );
          (again ?? body.querySelector('button:not(:disabled)'))?.focus();
        });
        return made;
      };
      body.replaceChildren(
        ...(rows.length === 0
          ? []
          : [
              table(
                caption,
                columns,
                rows.map((each) => row(each.value)),
              ),
            ]),
        ...(pages === 1
          ? []
          : [
              make(
                'div',
                { class: 'pages', role: 'group', 'aria-label': 'Pages' },
                button('Previous', page - 1),
                make('span', {}, `${page} of ${counted(pages)}`),
                button('Next', page + 1),
              ),
            ]),
      );
    };

    host.replaceChildren(
      make(
        'div',
        { class: 'filters', role: 'search', 'aria-label': caption },
        ...(spec.search === false ? [] : [searchField(`Search ${noun}`, show)]),
        ...choices.map((each) => choice(each.name, each.label, each.choices, show)),
      ),
      count,
      body,
    );
    count.textContent = 'Opening';
    (async () => {
      let last = 0;
      for await (const values of load()) {
        if (address !== mine) return;
        for (const value of values) all.push({ value, text: text(value).toLowerCase() });
        // A page that is full already is not drawn again for what comes behind it.
        const now = performance.now();
        if (now - last > 200) {
          last = now;
          if (drawn < pageSize) show();
          else count.textContent = `${counted(all.length)} ${noun} so far, opening more`;
        }
        await new Promise((resolve) => setTimeout(resolve));
      }
      whole = true;
      show();
    })().catch(failed(count));
    return show;
  };

  /** @param {HTMLElement} where */
  const failed = (where) => (/** @type {unknown} */ error) => {
    where.textContent = `The data could not be opened: ${visible(error instanceof Error ? error.message : String(error))}`;
  };

  // --- Views that the script fills -----------------------------------------------------------

  /** @type {[string, string][]} */
  const statusChoices = [
    ['', 'any'],
    ['fail', 'fail'],
    ['waived', 'waived'],
    ['error', 'error'],
    ['pass', 'pass'],
    ['not_applicable', 'not applicable'],
  ];

  /** @param {ReportItem['nights']} nights */
  const cameOut = (nights) =>
    /** @type {const} */ (['fail', 'error', 'waived', 'pass', 'not_applicable'])
      .filter((status) => nights[status] > 0)
      .map((status) => `${status.replace('_', ' ')} ${counted(nights[status])}`)
      .join(', ') || 'not known';

  /**
   * @param {ReportItem} item
   * @param {string} chosen
   */
  const cameOutSo = ({ nights }, chosen) =>
    Object.hasOwn(nights, chosen) && nights[/** @type {keyof typeof nights} */ (chosen)] > 0;

  /** @param {{ source: string, scope: string, uid: string, name: string }} of */
  const resourceText = ({ source, scope, uid, name }) => `${name} ${uid} ${source} ${scope}`;

  /** @type {Record<string, (host: HTMLElement, test: string) => void>} */
  const filled = {
    deviations: (host) => {
      list(host, {
        noun: 'deviations',
        caption: 'All deviations',
        columns: [
          { head: 'Resource', kind: 'key' },
          { head: 'Test' },
          { head: 'Control' },
          { head: 'Opened (UTC)' },
          { head: 'How' },
          { head: 'Closed (UTC)' },
          { head: 'Open for' },
          { head: 'Nights' },
          { head: 'Time allowed' },
        ],
        choices: [
          {
            name: 'state',
            label: 'State',
            choices: [
              ['', 'any'],
              ['open', 'open when last seen'],
              ['closed', 'closed'],
              ['event', 'of an event'],
              ['waived', 'waived when last seen'],
              ['late', 'late, or perhaps'],
            ],
            fits: ({ deviation, words }, chosen) =>
              chosen === 'late'
                ? ['late', 'perhaps late'].includes(deviation.remediation.state)
                : words.standing === chosen,
          },
          {
            name: 'severity',
            label: 'Severity',
            choices: [
              ['', 'any'],
              ['critical', 'critical'],
              ['high', 'high'],
              ['medium', 'medium'],
              ['low', 'low'],
            ],
            fits: ({ deviation }, chosen) => deviation.remediation.severity === chosen,
          },
        ],
        load: () => /** @type {AsyncIterable<Told[]>} */ (batches('deviations')),
        text: ({ deviation }) =>
          `${resourceText(deviation)} ${deviation.test} ${deviation.control}`,
        row: ({ deviation, words }) => [
          resource(deviation.test, deviation),
          [link(addressOf(['test', deviation.test]), deviation.test)],
          [link(addressOf(['control', deviation.control]), deviation.control)],
          lines(words.opened),
          [words.how],
          lines(words.closed),
          [words.open_for],
          [words.nights],
          [words.remediation],
        ],
      });
    },
    items: async (host, id) => {
      const known = (await tests()).get(id);
      const isEvent = known?.test.kind === 'event';
      list(host, {
        noun: isEvent ? 'events' : 'resources',
        caption: `Population of ${id}`,
        columns: [
          { head: isEvent ? 'Event' : 'Resource', kind: 'key' },
          { head: isEvent ? 'Came out' : 'Nights by what came out' },
          ...(isEvent
            ? [{ head: 'Happened (UTC)' }]
            : [{ head: 'Came (UTC)' }, { head: 'Went (UTC)' }]),
          { head: 'First seen (UTC)' },
          { head: 'Last seen (UTC)' },
        ],
        choices: [
          {
            name: 'status',
            label: 'Came out so on some night',
            choices: statusChoices,
            fits: cameOutSo,
          },
        ],
        load: () => /** @type {AsyncIterable<ReportItem[]>} */ (batches('items', id)),
        text: resourceText,
        row: (item) => [
          resource(id, item),
          [cameOut(item.nights)],
          ...(isEvent
            ? [[item.event_at === null ? 'not told' : minute(item.event_at)]]
            : [
                between(item.created, 'there from the start'),
                between(item.deleted, 'there at the end'),
              ]),
          lines([minute(item.first_seen)]),
          lines([minute(item.last_seen)]),
        ],
      });
    },
    queries: (host, id) => {
      const details = make('details', {}, make('summary', {}, 'Each question with its parameters'));
      const inner = make('div', {});
      details.append(inner);
      host.replaceChildren(details);
      details.addEventListener('toggle', () => {
        if (!details.open || inner.hasChildNodes()) return;
        list(inner, {
          noun: 'questions',
          caption: `Questions of ${id}`,
          search: false,
          columns: [
            { head: 'Call', kind: 'key' },
            { head: 'Scope' },
            { head: 'Parameters', kind: 'wide' },
            { head: 'Pages at most', kind: 'number' },
            { head: 'Nights', kind: 'number' },
            { head: 'From (UTC)' },
            { head: 'To (UTC)' },
          ],
          choices: [],
          load: () => /** @type {AsyncIterable<Query[]>} */ (batches('queries', id)),
          text: () => '',
          row: (query) => [
            [`${query.service} ${query.operation}`],
            [
              `${query.source} ${query.scope}${query.region === undefined ? '' : ` ${query.region}`}`,
            ],
            [make('code', {}, JSON.stringify(query.parameters))],
            [counted(query.pages)],
            [counted(query.nights)],
            lines([minute(query.from)]),
            lines([minute(query.to)]),
          ],
        });
      });
    },
  };

  const main = /** @type {HTMLElement} */ (document.getElementById('main'));

  /** @param {string} name */
  const ownView = (name) => {
    const title = make('h2', { id: `${name}:title`, tabindex: '-1' });
    const crumbs = make('p', { class: 'crumbs' });
    const body = make('div', {});
    const section = make(
      'section',
      { class: 'view', id: name, 'aria-labelledby': title.id },
      crumbs,
      title,
      body,
    );
    main.append(section);
    return { section, title, crumbs, body };
  };

  const itemView = ownView('/item');
  const searchView = ownView('/search');
  const missingView = ownView('/missing');
  searchView.title.textContent = 'Search';
  missingView.title.textContent = 'Not in this report';
  missingView.body.append(
    make('p', {}, 'The address names nothing of this report. ', link('/summary', 'To the summary')),
  );

  /** @param {string[]} path */
  const showItem = async ([, id = '', ...key]) => {
    const mine = address;
    const [source = '', scope = '', uid = ''] = key;
    const { title, crumbs, body } = itemView;
    title.textContent = visible(uid);
    crumbs.replaceChildren(link(addressOf(['test', id]), id));
    body.replaceChildren(make('p', { role: 'status' }, 'Opening'));
    const known = (await tests()).get(id);
    const all = await allBlocks();
    const { start, end } = await model();
    const isIt = (/** @type {{ source: string, scope: string, uid: string }} */ each) =>
      each.uid === uid && each.scope === scope && each.source === source;
    /** @type {ReportItem | undefined} */
    let item;
    for (const block of holding(
      all.filter(({ of, test }) => of === 'items' && test === id),
      key,
    )) {
      item ??= (await opened(block)).find(isIt);
    }
    /** @type {Told[]} */
    const told = [];
    for await (const batch of batches('deviations')) {
      told.push(
        ...batch.filter(
          (/** @type {Told} */ { deviation }) => deviation.test === id && isIt(deviation),
        ),
      );
    }
    /** @type {RecordVersion[]} */
    const versions = [];
    const dataset = known?.test.dataset ?? '';
    for (const block of holding(
      all.filter((each) => each.of === 'records' && each.dataset === dataset),
      key,
    )) {
      for (const history of await opened(block)) {
        if (isIt(history)) versions.push(.../** @type {RecordHistory} */ (history).versions);
      }
    }
    if (address !== mine) return;
    if (known !== undefined) {
      crumbs.replaceChildren(
        link(addressOf(['control', known.control.id]), known.control.id),
        ' › ',
        link(addressOf(['test', id]), id),
        ` ${known.test.title}`,
      );
    }
    if (item === undefined) {
      body.replaceChildren(
        make(
          'p',
          {},
          known === undefined
            ? 'There is no such test in this report.'
            : 'It is not in the population of this test in the period.',
        ),
        ...recordParts(versions),
      );
      return;
    }
    const name = item.name === '' ? item.uid : item.name;
    title.textContent = visible(name);
    document.title = visible(`${name} · ${id}`);
    body.replaceChildren(
      facts([
        ['Came out', `${cameOut(item.nights)}${known?.test.kind === 'event' ? '' : ' (nights)'}`],
        ['Id', make('code', {}, item.uid)],
        ['Source and scope', `${item.source} ${item.scope}`],
        ...(known?.test.kind === 'event'
          ? [
              /** @type {const} */ ([
                'Happened (UTC)',
                item.event_at === null ? 'could not be told' : minute(item.event_at),
              ]),
            ]
          : [
              /** @type {const} */ ([
                'Came (UTC)',
                make(
                  'span',
                  {},
                  ...between(item.created, 'there when its scope was first looked at'),
                ),
              ]),
              /** @type {const} */ ([
                'Went (UTC)',
                make('span', {}, ...between(item.deleted, 'there at the end')),
              ]),
            ]),
        ['First seen (UTC)', minute(item.first_seen)],
        ['Last seen (UTC)', minute(item.last_seen)],
        ['First and last run', `${item.first_run}, ${item.last_run}`],
      ]),
      ...(known?.test.kind === 'event' ? [] : [itemStrip(item, start, end)]),
      ...(told.length === 0
        ? []
        : [
            make('h3', {}, 'Deviations'),
            table(
              `Deviations of ${name}`,
              [
                { head: 'Opened (UTC)', kind: 'key' },
                { head: 'How' },
                { head: 'Closed (UTC)' },
                { head: 'Open for' },
                { head: 'Nights' },
                { head: 'Time allowed' },
              ],
              told.map(({ words }) => [
                lines(words.opened),
                [words.how],
                lines(words.closed),
                [words.open_for],
                [words.nights],
                [words.remediation],
              ]),
            ),
          ]),
      make('h3', {}, 'What came out'),
      table(
        `What ${id} came to for ${name}`,
        [
          { head: 'Status', kind: 'key' },
          { head: 'From (UTC)' },
          { head: 'To (UTC)' },
          { head: 'Nights', kind: 'number' },
          { head: 'What decided', kind: 'wide' },
        ],
        item.stretches.map((each) => [
          [each.status.replace('_', ' ')],
          [
            ...lines([minute(each.from.observed_at)]),
            make('span', { class: 'uid line' }, each.from.run),
          ],
          [
            ...lines([minute(each.to.observed_at)]),
            make('span', { class: 'uid line' }, each.to.run),
          ],
          [counted(each.nights)],
          [each.reason],
        ]),
      ),
      ...recordParts(versions),
    );
  };

  /** @type {Record<string, [string, string, string]>} how a status is drawn: class, y, height */
  const drawn = {
    pass: ['complete', '5', '12'],
    fail: ['deviation', '0', '22'],
    error: ['gap', '1', '20'],
    waived: ['waived', '3', '16'],
  };

  /**
   * @param {ReportItem} item
   * @param {string} start
   * @param {string} end
   */
  const itemStrip = ({ stretches }, start, end) => {
    const first = Date.parse(start);
    const length = Date.parse(end) + 86_400_000 - first;
    const place = (/** @type {string} */ time) =>
      Math.min(100, Math.max(0, (100 * (Date.parse(time) - first)) / length));
    const words = stretches
      .map(({ status, nights }) => `${status.replace('_', ' ')} on ${counted(nights)} nights`)
      .join(', then ');
    const pieces = stretches.map(({ status, from, to }) => {
      const [name, y, height] = drawn[status] ?? ['none', '10', '2'];
      const [at, until] = [place(from.observed_at), place(to.observed_at)];
      return draw(
        'rect',
        { class: name, x: `${at}%`, width: `${Math.max(0.2, until - at)}%`, y, height },
        draw(
          'title',
          {},
          `${status}: ${minute(from.observed_at)} to ${minute(to.observed_at)} UTC`,
        ),
      );
    });
    return make(
      'div',
      { class: 'wide-strip' },
      draw(
        'svg',
        { class: 'strip', height: '22', role: 'img', 'aria-label': words || 'nothing seen' },
        ...pieces,
      ),
      make('p', { class: 'small' }, `${start} to ${end}: ${words || 'nothing seen'}.`),
    );
  };

  /** @param {RecordVersion[]} versions */
  const recordParts = (versions) => {
    if (versions.length === 0) {
      return [
        make('h3', {}, 'Record'),
        make(
          'p',
          { class: 'nothing' },
          'No record of it is in this report: what it looked like is not known from here.',
        ),
      ];
    }
    const wanted = Number(param('version')) || 1;
    return [
      make(
        'h3',
        {},
        `Record, ${counted(versions.length)} version${versions.length === 1 ? '' : 's'}`,
      ),
      ...versions.map((version, index) => {
        const { from, to, nights } = version;
        const details = make(
          'details',
          {},
          make(
            'summary',
            {},
            `${index + 1}. As it was from ${minute(from.observed_at)} to ${minute(to.observed_at)} UTC, ${counted(nights)} night${nights === 1 ? '' : 's'}`,
          ),
        );
        const before = versions[index - 1]?.record;
        const fill = () => {
          if (details.childElementCount === 1) details.append(versionParts(version, before));
        };
        details.open = index + 1 === wanted;
        if (details.open) fill();
        details.addEventListener('toggle', () => {
          if (!details.open) return;
          fill();
          keep({ version: index === 0 ? '' : String(index + 1) });
        });
        return details;
      }),
    ];
  };

  /**
   * @param {RecordVersion} version
   * @param {RecordVersion['record'] | undefined} before
   */
  const versionParts = ({ from, to, record, calls }, before) => {
    const names = [
      ...new Set([...Object.keys(record.fields), ...Object.keys(record.untold ?? {})]),
    ];
    const told = (/** @type {RecordVersion['record']} */ of, /** @type {string} */ name) =>
      Object.hasOwn(of.fields, name) ? json(of.fields[name]) : undefined;
    const fieldRows = names.sort().map((name) => {
      const value = told(record, name);
      const row = make(
        'tr',
        before !== undefined && told(before, name) !== value ? { class: 'changed' } : {},
        make('th', { scope: 'row' }, name),
        make(
          'td',
          {},
          value === undefined
            ? `could not be told: ${record.untold?.[name] ?? 'the reason is not known'}`
            : make('code', {}, value),
        ),
      );
      return row;
    });
    const read = table(
      'Fields that tests read',
      [
        { head: 'Field', kind: 'key' },
        { head: 'Value', kind: 'wide' },
      ],
      [],
    );
    read.querySelector('tbody')?.append(...fieldRows);
    return make(
      'div',
      { class: 'version' },
      make(
        'p',
        { class: 'small' },
        `Seen first by run ${from.run}, last by ${to.run}. Id ${record.uid}.`,
      ),
      make('h4', {}, 'Fields'),
      read,
      make('h4', {}, 'The API’s own object'),
      make(
        'pre',
        { tabindex: '0', role: 'region', 'aria-label': 'The API’s own object' },
        record.original === undefined ? 'Left out: the report is redacted.' : json(record.original),
      ),
      make('h4', {}, 'Calls that it was made from'),
      calls.length === 0
        ? make('p', { class: 'nothing' }, 'No call is sealed for it.')
        : table(
            'Calls, on the first of these nights',
            [
              { head: 'Call', kind: 'key' },
              { head: 'Request id' },
              { head: 'Server’s date' },
              { head: 'HTTP status', kind: 'number' },
              { head: 'Parameters', kind: 'wide' },
              { head: 'Began (UTC)' },
              { head: 'Attempts', kind: 'number' },
              { head: 'Endpoint' },
            ],
            calls.map(callRow),
          ),
    );
  };

  /**
   * @param {string | null | undefined} text null: the service gave none; undefined: it was redacted
   * @param {(text: string) => Child} show
   * @returns {Child}
   */
  const toldOf = (text, show) =>
    text === undefined ? 'left out' : text === null ? 'none given' : show(text);

  /**
   * @param {ReportCall} call
   * @returns {Child[][]}
   */
  const callRow = (call) => [
    [
      `${call.service} ${call.operation}`,
      make(
        'span',
        { class: 'uid' },
        [call.region, call.page === undefined ? undefined : `page ${call.page}`]
          .filter((each) => each !== undefined)
          .join(', '),
      ),
      ...(call.error === undefined ? [] : [make('span', { class: 'uid' }, `error: ${call.error}`)]),
      ...(call.absent === undefined
        ? []
        : [make('span', { class: 'uid' }, `there is none: ${call.absent}`)]),
      ...(call.confirmed === undefined
        ? []
        : [make('span', { class: 'uid' }, `confirmed unchanged: ${call.confirmed}`)]),
    ],
    [toldOf(call.request_id, (id) => make('code', {}, id))],
    [toldOf(call.server_date, (date) => date)],
    [call.status === null ? 'no answer' : String(call.status)],
    [make('code', {}, json(call.parameters))],
    [toldOf(call.started_at, (time) => time.replace('T', ' ').replace('Z', ''))],
    [String(call.attempts)],
    [call.endpoint ?? 'a recording answered'],
  ];

  /** @type {Found[]} */
  const everything = [];
  let everythingRead = false;

  /** Every item of every test; the second time from memory. */
  async function* allItems() {
    if (everythingRead) {
      yield everything;
      return;
    }
    everything.length = 0;
    const known = await tests();
    for (const block of (await allBlocks()).filter(({ of }) => of === 'items')) {
      const of = known.get(block.test);
      if (of === undefined) continue;
      const found = (await opened(block)).map((item) => ({ ...of, item }));
      for (const each of found) everything.push(each);
      yield found;
    }
    everythingRead = true;
  }

  const showSearch = async () => {
    const mine = address;
    const { controls } = await model();
    if (address !== mine) return;
    const named = make('div', {});
    const rows = make('div', {});
    const nameControls = () => {
      const words = wordsOf(param('q'));
      const fits = (/** @type {string} */ text) =>
        words.length > 0 && words.every((word) => text.toLowerCase().includes(word));
      const links = controls.flatMap(({ id, title, tests: own }) => [
        ...(fits(`${id} ${title}`) ? [[link(addressOf(['control', id]), id), ` ${title}`]] : []),
        ...own
          .filter((test) => fits(`${test.id} ${test.title} ${test.dataset}`))
          .map((test) => [link(addressOf(['test', test.id]), test.id), ` ${test.title}`]),
      ]);
      named.replaceChildren(
        ...(links.length === 0
          ? []
          : [
              make('h3', {}, 'Controls and tests'),
              make('ul', {}, ...links.map((each) => make('li', {}, ...each))),
            ]),
      );
    };
    searchView.body.replaceChildren(named, make('h3', {}, 'Resources and events'), rows);
    nameControls();
    const showRows = list(rows, {
      noun: 'results',
      caption: 'Resources and events, under each test',
      search: false,
      columns: [
        { head: 'Resource or event', kind: 'key' },
        { head: 'Control' },
        { head: 'Test' },
        { head: 'Nights by what came out' },
      ],
      choices: [
        {
          name: 'status',
          label: 'Came out so on some night',
          choices: statusChoices,
          fits: ({ item }, chosen) => cameOutSo(item, chosen),
        },
      ],
      load: allItems,
      text: ({ item, test, control }) => `${resourceText(item)} ${test.id} ${control.id}`,
      row: ({ item, test, control }) => [
        resource(test.id, item),
        [link(addressOf(['control', control.id]), control.id)],
        [link(addressOf(['test', test.id]), test.id)],
        [cameOut(item.nights)],
      ],
    });
    searchAgain = () => {
      nameControls();
      showRows();
    };
  };

  let searchAgain = () => {};

  /** Rows of the summary's table of controls. */
  const filterControls = () => {
    const host = document.querySelector('[data-filters="controls"]');
    const rows = [...document.querySelectorAll('table.controls tbody tr')];
    if (host === null) return;
    const count = make('p', { class: 'count-line', role: 'status' });
    const show = () => {
      const words = wordsOf(param('q'));
      const fitting = rows.filter((row) => {
        const text = row.querySelector('th')?.textContent?.toLowerCase() ?? '';
        const fits =
          words.every((word) => text.includes(word)) &&
          (param('conclusion') === '' ||
            row.getAttribute('data-conclusion') === param('conclusion'));
        row.toggleAttribute('hidden', !fits);
        return fits;
      });
      count.textContent =
        fitting.length === rows.length ? '' : `${fitting.length} of ${rows.length} controls`;
    };
    host.replaceChildren(
      searchField('Search controls', show),
      choice(
        'conclusion',
        'Conclusion',
        [
          ['', 'any'],
          ['operated', 'operated'],
          ['operated with deviations', 'operated with deviations'],
          ['insufficient evidence', 'insufficient evidence'],
          ['did not operate', 'did not operate'],
        ],
        show,
      ),
      count,
    );
    show();
  };

  // --- Showing -----------------------------------------------------------------------------

  /** @param {HTMLElement} section */
  const open = (section) => {
    for (const each of main.querySelectorAll('.view.open')) each.classList.remove('open');
    section.classList.add('open');
    const root = document.documentElement;
    root.classList.add('routed');
    root.classList.toggle('data', ['item', 'search', 'test'].includes(address.path[0] ?? ''));
    const here = `#${addressOf(address.path)}`;
    for (const each of document.querySelectorAll('nav a')) {
      if (each.getAttribute('href') === here) each.setAttribute('aria-current', 'page');
      else each.removeAttribute('aria-current');
    }
  };

  const pageTitle = document.title;

  /** @param {boolean} moved whether a reader went there, who has to be taken along */
  const show = async (moved) => {
    address = readAddress();
    const mine = address;
    const [name = ''] = address.path;
    const own = name === 'item' ? itemView : name === 'search' ? searchView : undefined;
    let section = own?.section ?? document.getElementById(addressOf(address.path));
    if (section === null) {
      await parsed;
      if (address !== mine) return;
      section = document.getElementById(addressOf(address.path));
    }
    section = section?.classList.contains('view') ? section : missingView.section;
    open(section);
    const heading = section.querySelector('h2');
    document.title =
      name === 'summary' ? pageTitle : `${heading?.textContent ?? ''} · ${pageTitle}`;
    if (name !== 'search') searchInput.value = '';
    else if (document.activeElement !== searchInput) searchInput.value = param('q');
    if (moved && document.activeElement !== searchInput) {
      scrollTo({ top: 0, behavior: 'instant' });
      heading?.focus({ preventScroll: true });
    }
    if (own === itemView) await showItem(address.path).catch(failed(itemView.body));
    if (own === searchView) await showSearch().catch(failed(searchView.body));
    if (name === 'summary') filterControls();
    for (const host of section.querySelectorAll('[data-list]')) {
      const { list: kind = '', test = '' } = /** @type {HTMLElement} */ (host).dataset;
      filled[kind]?.(/** @type {HTMLElement} */ (host), decodeURIComponent(test));
    }
  };

  const searchInput = make('input', {
    type: 'search',
    id: 'search',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'Search everything',
    'aria-label': 'Search everything',
    'aria-keyshortcuts': '/',
  });
  document.querySelector('[data-search]')?.replaceChildren(searchInput);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  searchInput.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (address.path[0] === 'search') {
        keep({ q: searchInput.value, page: '' });
        searchAgain();
      } else if (searchInput.value !== '') {
        location.hash = `#/search?q=${encodeURIComponent(searchInput.value.toWellFormed())}`;
      }
    }, 100);
  });

  /** Where Escape leads to: what the view is a part of. */
  const above = () => {
    const [name, first = ''] = address.path;
    if (name === 'item') return addressOf(['test', first]);
    return name === 'test' ? '/populations' : '/summary';
  };

  document.addEventListener('keydown', (event) => {
    const at = document.activeElement;
    const writes = at instanceof HTMLInputElement || at instanceof HTMLSelectElement;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '/' && !writes) {
      event.preventDefault();
      searchInput.focus();
    } else if (event.key === 'Escape') {
      if (writes) at.blur();
      else location.hash = above();
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && at?.closest('tbody th')) {
      const links = [...(at.closest('tbody')?.querySelectorAll('tr:not([hidden]) > th a') ?? [])];
      const next = links[links.indexOf(at) + (event.key === 'ArrowDown' ? 1 : -1)];
      if (next instanceof HTMLElement) {
        event.preventDefault();
        next.focus();
      }
    }
  });

  addEventListener('hashchange', () => {
    // The link that skips to the report leads to no other view.
    if (location.hash.startsWith('#/') || location.hash === '') show(true);
  });
  show(false);
}
