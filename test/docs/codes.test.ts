import { describe, expect, it } from 'vitest';
import { exitCodeOfError } from '../../src/cli/exit.ts';
import type { ErrorCode } from '../../src/evidence/errors.ts';
import { problemCodes } from '../../src/evidence/slice.ts';
import { firstCodes, read, rows, section } from './pages.ts';

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
});
