import { describe, expect, it } from 'vitest';
import type { Change, Deviation, PeriodReport, TestReport } from '../../src/period/report.ts';
import { firstCodes, section } from './pages.ts';

const page = 'docs/formats/status.md';

/** The parts of the page, by where in the report each stands. */
const parts: Record<string, string> = {
  'The report': '',
  'A control': 'controls[].',
  'A test': 'controls[].tests[].',
  'A gap': 'controls[].tests[].gaps[].',
  'A deviation': 'controls[].tests[].deviations[].',
};

const deviation: Deviation = {
  control: '',
  test: '',
  source: '',
  dataset: '',
  scope: '',
  uid: '',
  name: '',
  kind: 'state',
  opened: { after: '', by: '', how: 'failed' },
  closed: { after: '', by: '', how: 'mended' },
  days: { least: 1, most: 2 },
  spans: [{ status: 'fail', from: '', to: '' }],
  nights: { failing: 1, waived: 0, unseen: 0 },
  waived: 'no',
  recurrence: 0,
  remediation: { severity: 'low', days: 1, state: 'in time', due: '' },
  first_run: '',
  last_run: '',
};

const test: TestReport = {
  id: '',
  title: '',
  dataset: '',
  kind: 'state',
  severity: 'low',
  conclusion: 'operated',
  coverage: { expected: 1, complete: 1 },
  gaps: [
    {
      from: '',
      to: '',
      start: '',
      end: '',
      occurrences: 1,
      cause: 'no run',
      why: '',
      scopes: [''],
      closable: { how: '', until: '' },
    },
  ],
  population: 0,
  deviating: 0,
  waived: 0,
  open: 0,
  untold: 0,
  deviations: [deviation],
  dropped: null,
};

const version: Change = {
  what: 'control',
  id: '',
  versions: [{ value: '', from: '', to: '', nights: 1 }],
};

/** A report in which nothing is missing: the compiler says which keys there are. */
const full: PeriodReport = {
  organizations: [''],
  period: { start: '', end: '', timezone: '' },
  as_of: null,
  now: '',
  through: '',
  interim: false,
  simulated: false,
  nights: {
    counted: 1,
    first: '',
    last: '',
    left_out: [{ run: '', sequence: 1, reason: '' }],
  },
  problems: [''],
  scopes: [{ source: '', scope: '', added: '', dropped: '' }],
  controls: [
    {
      id: '',
      title: '',
      frequency: 'daily',
      conclusion: 'operated',
      because: [''],
      coverage: { expected: 1, complete: 1 },
      population: 0,
      deviating: 0,
      waived: 0,
      open: 0,
      days: ['complete'],
      tests: [test],
      moved: [{ test: '', from: '', to: '', since: '' }],
    },
  ],
  versions: [version],
  changes: [],
  due: [{ what: '', by: '', controls: [''] }],
  waivers: [
    {
      test: '',
      resource: '',
      scope: '',
      reason: '',
      approver: '',
      from: '',
      until: '',
      ticket: '',
      compensating_control: '',
      state: 'in force',
      deviations: 0,
    },
  ],
};

/** Every key below a value: `controls[].tests[].id`. */
function keysOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => keysOf(each, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const own = path === '' ? key : `${path}.${key}`;
    return [own, ...keysOf(inner, own)];
  });
}

describe(page, () => {
  it('names each key of the report and no other', () => {
    const written = Object.entries(parts).flatMap(([heading, prefix]) =>
      firstCodes(section(page, heading)).map((key) => prefix + key),
    );
    expect(written.sort()).toEqual([...new Set(keysOf(full))].sort());
  });
});
