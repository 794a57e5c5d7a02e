import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadControls } from '../../src/controls/load.ts';
import { controlJsonSchema, controlSchema } from '../../src/controls/schema.ts';
import type { TickmarkError } from '../../src/evidence/errors.ts';
import { sha256 } from '../../src/evidence/json.ts';
import { formatFault } from '../../src/yaml/fault.ts';
import { controlText, faultsOf, testText } from './support.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tickmark-controls-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const expression = { expect: 'user.mfa_active' };

function write(set: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, set, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return set;
}

const one = controlText(testText({ ...expression, id: 'one' }), 'AC-01');
const two = controlText(testText({ ...expression, id: 'two' }), 'AC-02');

describe('loadControls', () => {
  it('reads folders with all that is below, and files, sorted by id', () => {
    const set = write('good', { 'z/AC-01-a.yaml': one, 'AC-02-b.yml': two, 'README.md': 'no' });
    const loaded = loadControls([set], folder, folder);
    expect(loaded.map((l) => [l.control.id, l.file])).toEqual([
      ['AC-01', 'good/z/AC-01-a.yaml'],
      ['AC-02', 'good/AC-02-b.yml'],
    ]);
    expect(loaded[0]?.digest).toBe(sha256(one));
    expect(loadControls(['good/AC-02-b.yml'], folder, folder)).toHaveLength(1);
  });

  it('finds the built-in set in the package', () => {
    const set = write('package/controls/soc2', { 'AC-01-a.yaml': one });
    const [loaded] = loadControls(['builtin:soc2'], '/', path.join(folder, set, '../..'));
    expect(loaded?.file).toBe('builtin:soc2/AC-01-a.yaml');
  });

  it.each([
    ['builtin:soc3', /there is no builtin:soc3; built in are builtin:soc2/],
    ['./nowhere', /nowhere cannot be read/],
    ['empty', /empty holds no \.yaml file/],
  ])('refuses %s', (ref, message) => {
    mkdirSync(path.join(folder, 'empty'), { recursive: true });
    try {
      loadControls([ref], folder, folder);
    } catch (error) {
      expect((error as TickmarkError).code).toBe('InvalidConfiguration');
      expect((error as TickmarkError).message).toMatch(message);
      return;
    }
    throw new Error('nothing was thrown');
  });

  it('reports every fault of every file at once', () => {
    const set = write('bad', {
      'a.yaml': one.replace('id: "AC-01"', 'id: 1.10'),
      'b.yaml': two.replace('owner', 'ownr'),
      'c.yaml': 'a: [',
      'd.yaml': '',
    });
    const error = faultsOf(() => loadControls([set], folder, folder));
    expect(error.code).toBe('InvalidControl');
    expect(error.faults.map((f) => formatFault(f).split(' (')[0])).toEqual([
      'bad/a.yaml:1:5 id: expected text, found the number 1.1: write "1.10" in quotes',
      'bad/b.yaml:1:1 owner: missing; expected text',
      'bad/b.yaml:6:1 ownr: unknown key; did you mean "owner"?',
      expect.stringMatching(/^bad\/c\.yaml:1:\d+: /),
      'bad/d.yaml:1:1: the file is empty',
    ]);
  });

  it('refuses an id that two controls or two tests have', () => {
    const set = write('twice', { 'a.yaml': one, 'b.yaml': one });
    const error = faultsOf(() => loadControls([set], folder, folder));
    expect(error.faults.map((f) => `${f.file} ${f.path}: ${f.message}`)).toEqual([
      'twice/b.yaml id: "AC-01" is the id of twice/a.yaml too',
      'twice/b.yaml tests[0].id: twice/a.yaml has a test "one" too',
    ]);
  });
});

describe('controlJsonSchema', () => {
  it('is draft 2020-12 and describes every key of a control', () => {
    const schema = controlJsonSchema() as {
      $schema: string;
      properties: Record<string, { description?: string }>;
    };
    expect(schema.$schema).toContain('2020-12');
    expect(Object.keys(schema.properties)).toEqual(Object.keys(controlSchema.shape));
    for (const [key, property] of Object.entries(schema.properties)) {
      expect(property.description, key).toMatch(/\S/);
    }
  });
});
