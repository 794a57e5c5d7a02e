import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../../src/config/load.ts';
import { configJsonSchema, configSchema } from '../../src/config/schema.ts';
import { TickmarkError } from '../../src/evidence/errors.ts';
import { sha256 } from '../../src/evidence/json.ts';
import { FaultError } from '../../src/yaml/fault.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tickmark-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const minimal = `
organization: Acme, Inc.
period: { start: 2026-01-01, end: 2026-12-31 }
sources:
  - { id: production, use: aws }
`;

function load(text: string) {
  const file = path.join(folder, 'tickmark.yaml');
  writeFileSync(file, text);
  return loadConfig(file);
}

function failure(work: () => unknown): TickmarkError {
  try {
    work();
  } catch (error) {
    if (error instanceof TickmarkError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function messages(text: string): string[] {
  const error = failure(() => load(text));
  expect(error).toBeInstanceOf(FaultError);
  expect(error.code).toBe('InvalidConfiguration');
  return (error as FaultError).faults.map((f) => `${f.line}:${f.column} ${f.path}: ${f.message}`);
}

describe('loadConfig', () => {
  it('replaces single sizes of samples, and takes none that is no number of items', () => {
    const { samples } = load(`${minimal}samples: { daily: 40, per-event: 60 }`).config;
    expect(samples).toMatchObject({ daily: 40, 'per-event': 60, weekly: 5 });
    expect(messages(`${minimal}samples: { daily: 0, hourly: 3 }`)).toEqual([
      expect.stringContaining('samples.daily'),
      expect.stringContaining('hourly'),
    ]);
  });

  it('fills in the defaults', () => {
    const loaded = load(minimal);
    expect(loaded.config).toEqual({
      organization: 'Acme, Inc.',
      period: { start: '2026-01-01', end: '2026-12-31' },
      timezone: 'UTC',
      categories: [
        'security',
        'availability',
        'confidentiality',
        'processing-integrity',
        'privacy',
      ],
      store: './evidence',
      sources: [{ id: 'production', use: 'aws', with: {} }],
      controls: ['builtin:soc2'],
      parameters: {},
      samples: {
        annual: 1,
        quarterly: 2,
        monthly: 2,
        weekly: 5,
        daily: 25,
        'per-event': 25,
        continuous: 1,
      },
      plugins: [],
    });
    expect(loaded.directory).toBe(folder);
    expect(loaded.digest).toBe(sha256(minimal));
  });

  it('says to run init where there is no file', () => {
    const error = failure(() => loadConfig(path.join(folder, 'none.yaml')));
    expect(error.code).toBe('InvalidConfiguration');
    expect(error.message).toContain('tickmark init');
  });

  it('says to run init where the file is empty', () => {
    expect(messages('')).toEqual([expect.stringContaining('tickmark init')]);
  });

  it('refuses a folder', () => {
    expect(failure(() => loadConfig(folder)).code).toBe('InvalidConfiguration');
  });

  it('takes a file of waivers, without reading it', () => {
    const { config } = load(`${minimal}waivers: ./waivers.yaml\n`);
    expect(config.waivers).toBe('./waivers.yaml');
  });

  it('takes a bucket with a retention, a key and authorities', () => {
    const { config } = load(
      `${minimal}${[
        'store: s3://acme-evidence/tickmark',
        's3: { region: eu-central-1, retention: { mode: compliance, days: 400 } }',
        'signing: { key: "kms:arn:aws:kms:eu-central-1:123456789012:key/1" }',
        'timestamps: { authorities: ["https://tsa.example/tsr"], roots: ./tsa.pem }',
      ].join('\n')}\n`,
    );
    expect(config.s3?.retention).toEqual({ mode: 'compliance', days: 400 });
  });

  it.each([
    ['an authority without http', 'timestamps: { authorities: ["ftp://tsa.example"] }'],
    ['no authority', 'timestamps: { authorities: [] }'],
    ['a retention of no days', 's3: { retention: { mode: compliance, days: 0 } }'],
    ['a retention of another mode', 's3: { retention: { mode: forever, days: 1 } }'],
    ['an endpoint that is none', 's3: { endpoint: localhost }'],
  ])('refuses %s', (_name, line) => {
    expect(failure(() => load(`${minimal}${line}\n`)).code).toBe('InvalidConfiguration');
  });

  it('reports every fault at once', () => {
    const text = `
organisation: Acme
period: { start: 2026-12-31, end: 2026-01-01 }
timezone: Mars/Olympus
categories: [security, security]
sources:
  - { id: a, use: aws }
  - { id: a, use: aws }
  - { id: Upper, use: aws }
controls: builtin:soc2
`;
    expect(messages(text).sort()).toEqual(
      [
        '2:1 organisation: unknown key; did you mean "organization"?',
        '2:1 organization: missing; expected text',
        '3:35 period.end: the period ends before it starts, found "2026-01-01"',
        '4:11 timezone: expected an IANA time zone such as UTC or Europe/Berlin, found "Mars/Olympus"',
        '5:13 categories: a category stands twice',
        '8:11 sources[1].id: another source has this id; ids are unique, found "a"',
        '9:11 sources[2].id: expected lower-case letters, digits and hyphens, found "Upper"',
        '10:11 controls: expected a list, found "builtin:soc2"',
      ].sort(),
    );
  });

  it.each(['+02:00', '2026', ''])('refuses the time zone %j', (zone) => {
    expect(messages(`${minimal}timezone: "${zone}"\n`)).toHaveLength(1);
  });

  it.each(['2026-02-30', '01.02.2026', '2026-01-01T00:00:00Z'])('refuses the day %s', (day) => {
    const text = minimal.replace('2026-01-01', day);
    expect(messages(text)).toEqual([expect.stringMatching(/^3:18 period.start: expected a day/)]);
  });

  it('checks a source with its own schema, at its own place', () => {
    const loaded = load(
      'organization: A\nperiod: { start: 2026-01-01, end: 2026-12-31 }\nsources:\n  - id: a\n    use: aws\n    with:\n      region: [x]\n  - { id: b, use: aws }\n',
    );
    const schema = z.strictObject({ regions: z.array(z.string()).default([]) });
    expect(loaded.checkWith(0, schema)).toMatchObject({
      ok: false,
      faults: [
        {
          line: 7,
          column: 7,
          path: 'sources[0].with.region',
          message: expect.stringContaining('"regions"'),
        },
      ],
    });
    expect(loaded.checkWith(1, schema)).toEqual({ ok: true, value: { regions: [] } });
    const required = z.strictObject({ token: z.string() });
    expect(loaded.checkWith(1, required)).toMatchObject({
      ok: false,
      faults: [{ line: 8, path: 'sources[1].with.token', code: 'MissingKey' }],
    });
  });

  it('points at any place for those that find faults later', () => {
    expect(load(minimal).fault(['sources', 0, 'use'], 'unknown')).toMatchObject({
      line: 5,
      column: 28,
      path: 'sources[0].use',
    });
  });
});

describe('configJsonSchema', () => {
  it('is draft 2020-12 and describes every key', () => {
    const schema = configJsonSchema() as {
      $schema: string;
      properties: Record<string, { description?: string }>;
    };
    expect(schema.$schema).toContain('2020-12');
    expect(Object.keys(schema.properties)).toEqual(Object.keys(configSchema.shape));
    for (const [key, property] of Object.entries(schema.properties)) {
      expect(property.description, key).toMatch(/\S/);
    }
  });
});
