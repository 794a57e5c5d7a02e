import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOfError } from '../../src/cli/exit.ts';
import type { ErrorCode } from '../../src/evidence/errors.ts';
import { problemCodes } from '../../src/evidence/slice.ts';
import { findingCodes } from '../../src/verify/finding.ts';
import { codes, firstCodes, read, root, rows, section } from './pages.ts';

const page = 'docs/errors.md';

/** The members of a union of literals: types are gone when the program runs. */
function union(file: string, name: string): string[] {
  const body = new RegExp(`export type ${name} =([\\s\\S]*?);`).exec(read(file))?.[1] ?? '';
  return [...body.matchAll(/\| '(\w+)'/g)].map(([, code = '']) => code);
}

const errorCodes = union('src/evidence/errors.ts', 'ErrorCode') as ErrorCode[];

describe(page, () => {
  it('explains each error and no other, with its exit code', () => {
    const written = rows(section(page, 'What ends a command')).map(([code, exit]) => [
      code,
      Number(exit),
    ]);
    expect(errorCodes.length).toBeGreaterThan(5);
    expect(written).toEqual(errorCodes.map((code) => [`\`${code}\``, exitCodeOfError(code)]));
  });

  it('explains each fault in a file and no other', () => {
    expect(firstCodes(section(page, 'Faults in files'))).toEqual(
      union('src/yaml/fault.ts', 'FaultCode'),
    );
  });

  it('explains each problem and no other', () => {
    expect(firstCodes(section(page, 'Problems'))).toEqual([...problemCodes]);
  });

  it('explains each finding of verification and no other', () => {
    expect(firstCodes(section(page, 'Findings of verify'))).toEqual([...findingCodes]);
  });

  it('says of each finding whether it is a break or a note', () => {
    // How each code is used: what makes it one or the other stands in the source.
    const source = readdirSync(join(root, 'src', 'verify'))
      .map((name) => read(join('src', 'verify', name)))
      .join('\n');
    for (const [cell = '', severities = ''] of rows(section(page, 'Findings of verify'))) {
      const [code = ''] = codes(cell);
      const made = (by: string) => new RegExp(`\\b${by}\\(\\s*'${code}'`).test(source);
      if (made('breakOf')) expect(severities, code).toMatch(/^break/);
      if (made('noteOf')) expect(severities, code).toMatch(/note$/);
      expect(['break', 'note', 'break, note'], code).toContain(severities);
    }
  });
});

describe('docs/threat-model.md', () => {
  it('names no finding that there is not', () => {
    const known = new Set<string>([...findingCodes, ...problemCodes]);
    const text = read('docs/threat-model.md');
    const named = codes(text).filter((code) => /^([A-Z][a-z]+){2,}$/.test(code));
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((code) => !known.has(code))).toEqual([]);
  });
});
