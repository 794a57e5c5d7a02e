import { describe, expect, it } from 'vitest';
import { printControl } from '../../src/cli/print-control.ts';
import { conclusionOf, printStatus } from '../../src/cli/print-status.ts';
import type { Style, Terminal } from '../../src/cli/terminal.ts';
import type { ControlReport, DayState, Deviation, PeriodReport } from '../../src/period/report.ts';
import { fromNow } from '../../src/report/words.ts';

/** A terminal so wide that keeps what it is given; styles stand in brackets when asked for. */
function terminal(width: number, { coloured = false, pipe = false } = {}) {
  const lines: string[] = [];
  const made: Terminal = {
    width,
    tableWidth: pipe ? Number.POSITIVE_INFINITY : width,
    interactive: false,
    out: (line = '') => void lines.push(...line.split('\n')),
    err: () => {},
    data: () => {},
    style: (style: Style, text: string) => (coloured ? `<${style}>${text}</>` : text),
  };
  return { made, lines };
}

const year = Array.from({ length: 365 }, (): DayState => 'complete');

function control(id: string, over: Partial<ControlReport> = {}): ControlReport {
  return {
    id,
    title: 'Multi-factor authentication of everybody who signs in',
    frequency: 'daily',
    conclusion: 'operated with deviations',
    because: [],
    coverage: { expected: 365, complete: 358 },
    population: 212,
    deviating: 3,
    waived: 0,
    open: 2,
    days: year,
    tests: [],
    moved: [],
    ...over,
  };
}

function report(over: Partial<PeriodReport> = {}): PeriodReport {
  return {
    organizations: ['Acme, Inc.'],
    period: { start: '2025-01-01', end: '2025-12-31', timezone: 'UTC' },
    as_of: null,
    now: '2026-01-05T00:00:00.000Z',
    through: '2026-01-01T00:00:00.000Z',
    interim: false,
    simulated: false,
    nights: {
      counted: 358,
      first: '2025-01-01T02:00:00.000Z',
      last: '2025-12-31T02:00:00.000Z',
      left_out: [],
    },
    problems: [],
    scopes: [],
    controls: [control('AC-01'), control('AC-02', { conclusion: 'did not operate' })],
    versions: [],
    changes: [],
    due: [],
    waivers: [],
    ...over,
  };
}

const live = { simulatedClock: false, replayed: false };

function deviation(name: string, over: Partial<Deviation>): Deviation {
  return {
    control: 'AC-01',
    test: 'aws-iam-mfa',
    source: 'production',
    dataset: 'aws.iam.users',
    scope: '123456789012',
    uid: name,
    name,
    kind: 'state',
    opened: { after: '2025-03-01T02:00:00.000Z', by: '2025-03-02T02:00:00.000Z', how: 'failed' },
    closed: null,
    days: { least: 1, most: null },
    spans: [{ status: 'fail', from: '2025-03-02', to: '2025-03-03' }],
    nights: { failing: 2, waived: 0, unseen: 0 },
    waived: 'no',
    recurrence: 0,
    remediation: { severity: 'high', days: 30, state: 'open', due: '2026-02-01' },
    first_run: 'r1',
    last_run: 'r2',
    ...over,
  };
}

describe('the period on a terminal', () => {
  it.each([80, 100, 132, 500])('fits %i columns, a line a control', (width) => {
    const { made, lines } = terminal(width);
    printStatus(made, report(), live);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
    const rows = lines.filter((line) => line.startsWith('AC-'));
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/ Multi-f?.* 358\/365 +2 +operated with deviations \(3 of 212\)$/);
    expect(rows[1]).toMatch(/ 358\/365 +2 +did not operate \(no occurrence\)$/);
  });

  it.each([
    [80, 12, 'a month'],
    [150, 53, 'a week'],
    [500, 365, 'a day'],
  ])('draws at %i columns a strip of %i characters: %s', (width, characters, grain) => {
    const { made, lines } = terminal(width);
    printStatus(made, report(), live);
    const strip = /=+/.exec(lines.find((line) => line.startsWith('AC-01')) ?? '')?.[0];
    expect(strip).toHaveLength(characters);
    expect(lines.join(' ')).toContain(`a character is ${grain}`);
  });

  it('cuts nothing on a pipe', () => {
    const { made, lines } = terminal(120, { pipe: true });
    printStatus(made, report(), live);
    expect(lines.find((line) => line.startsWith('AC-01'))).toContain(
      ' Multi-factor authentication of everybody who signs in ',
    );
  });

  it('colours the states and the conclusion, and counts no colour as a column', () => {
    const days = year.with(40, 'deviation').with(80, 'gap');
    const { made, lines } = terminal(80, { coloured: true });
    printStatus(made, report({ controls: [control('AC-01', { days })] }), live);
    const row = lines.find((line) => line.startsWith('AC-01')) ?? '';
    expect(row).toContain('<green>=</><red>x</><yellow>?</><green>=</>');
    expect(row).toContain('<red>operated with deviations (3 of 212)</>');
    expect([...row.replace(/<[^>]*>/g, '')].length).toBeLessThanOrEqual(80);
  });

  it('says what a reader must know first', () => {
    const { made, lines } = terminal(80);
    const left_out = [{ run: 'r9', sequence: 9, reason: 'its clock was ahead' }];
    printStatus(
      made,
      report({
        simulated: true,
        interim: true,
        through: '2025-06-30T02:00:00.000Z',
        now: '2025-06-30T02:00:00.000Z',
        problems: ['bundle 3 is missing from the store'],
        nights: {
          counted: 2,
          first: '2025-01-01T02:00:00.000Z',
          last: '2025-01-02T02:00:00.000Z',
          left_out,
        },
      }),
      { simulatedClock: true, replayed: true },
    );
    expect(lines.slice(0, 7).map((line) => line.trim())).toEqual([
      'Acme, Inc. · period 2025-01-01 to 2025-12-31 (UTC)',
      'Simulated clock: these times prove nothing.',
      'Answered from recorded exchanges, not by the services themselves.',
      'bundle 3 is missing from the store: nothing can be concluded; restore it from a',
      'copy.',
      'Interim: what would be reported if the period ended at 2025-06-30 02:00:00 UTC.',
      '2 bundles with evidence, 2025-01-01 to 2025-01-02',
    ]);
    expect(lines).toContain('Left out: bundle 9 (run r9): its clock was ahead');
  });

  it('says that a period has not begun', () => {
    const { made, lines } = terminal(80);
    const now = '2024-12-31T12:00:00.000Z';
    printStatus(made, report({ interim: true, now, through: now }), live);
    expect(lines).toContain('The period has not begun: nothing is expected yet.');
  });

  it('names the open deviations, the most urgent first, and counts the rest', () => {
    const soon = deviation('soon', {
      remediation: { severity: 'low', days: 90, state: 'late', due: '2025-12-01' },
    });
    const closed = deviation('closed', {
      closed: {
        after: '2025-03-03T02:00:00.000Z',
        by: '2025-03-04T02:00:00.000Z',
        how: 'mended',
      },
    });
    const waived = deviation('waived', {
      spans: [{ status: 'waived', from: '2025-03-02', to: '2025-03-03' }],
    });
    const many = Array.from({ length: 10 }, (_, index) => deviation(`user-${index}`, {}));
    const tests = [{ deviations: [waived, ...many, soon, closed] }] as ControlReport['tests'];
    const { made, lines } = terminal(200);
    printStatus(made, report({ interim: true, controls: [control('AC-01', { tests })] }), live);
    const at = lines.indexOf('11 open deviations');
    expect(lines[at + 1]).toBe(
      '  soon in 123456789012: aws-iam-mfa (AC-01, low), open since between 2025-03-01 and 2025-03-02; late, due 2025-12-01 (34 days ago)',
    );
    expect(lines[at + 2]).toMatch(/^ {2}user-0 .*; due 2026-02-01 \(in 28 days\)$/);
    expect(lines[at + 11]).toBe('  … and 1 more: tickmark status --control <id>');
    expect(lines.join('\n')).not.toMatch(/ {2}(closed|waived) in /);
    // What became of them behind a period that is over is not known here.
    const over = terminal(200);
    printStatus(over.made, report({ controls: [control('AC-01', { tests })] }), live);
    expect(over.lines.find((line) => line.startsWith('  user-0 '))).toMatch(/; due 2026-02-01$/);
  });

  it('says for which time an event was found, where nobody tells when it happened', () => {
    const shown = (opened: Deviation['opened']) => {
      const { made, lines } = terminal(200);
      const each = deviation('acme/app@1', { kind: 'event', opened, days: null });
      const tests = [
        {
          ...{ id: 'direct', gaps: [], coverage: {}, deviations: [each] },
          ...{ conclusion: 'operated with deviations', deviating: 1, population: 1 },
        },
      ];
      const only = control('AC-01', { tests: tests as unknown as ControlReport['tests'] });
      printControl(made, report({ controls: [only] }), only, 'So it is.', new Map());
      return lines.join('\n');
    };
    const by = '2025-07-17T02:00:00.000Z';
    const found = shown({ after: '2025-07-16T02:00:00.000Z', by, how: 'found' });
    expect(found).toContain('    found between 2025-07-16 02:00 and 2025-07-17 02:00 UTC\n');
    expect(found).not.toContain('happened');
    const happened = shown({ after: null, by, how: 'happened' });
    expect(happened).toContain('    happened at 2025-07-17 02:00 UTC\n');
  });

  it('makes names from outside harmless', () => {
    const { made, lines } = terminal(80);
    const tests = [{ deviations: [deviation('a\u001b[2Jb', {})] }] as ControlReport['tests'];
    printStatus(made, report({ controls: [control('AC-01', { title: 'x\ny', tests })] }), live);
    expect(lines.join('\n')).not.toContain('\u001b');
    expect(lines.filter((line) => line.startsWith('y'))).toEqual([]);
  });
});

describe('conclusions', () => {
  it('are never more than these words', () => {
    const of = (conclusion: ControlReport['conclusion']) =>
      conclusionOf({ conclusion, deviating: 1234, population: 20_000 });
    expect(of('operated')).toBe('operated');
    expect(of('operated with deviations')).toBe('operated with deviations (1,234 of 20,000)');
    expect(of('insufficient evidence')).toBe('insufficient evidence (1,234 of 20,000 deviate)');
    const without = { conclusion: 'insufficient evidence', deviating: 0, population: 3 } as const;
    expect(conclusionOf(without)).toBe('insufficient evidence');
    expect(of('did not operate')).toBe('did not operate (no occurrence)');
  });
});

it('says how far away a time is', () => {
  const now = '2026-01-05T12:00:00.000Z';
  expect(fromNow('2026-01-05T12:40:00.000Z', now)).toBe('in 40 minutes');
  expect(fromNow('2026-01-05T21:10:00.000Z', now)).toBe('in 9 hours');
  expect(fromNow('2026-01-02T12:00:00.000Z', now)).toBe('3 days ago');
  // A day is over at its end.
  expect(fromNow('2026-01-05', now)).toBe('in 12 hours');
});
