import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codes, firstCodes, pages, read, root, rows, section } from './pages.ts';

const page = 'docs/architecture.md';

/** The walls as test/architecture.test.ts enforces them. */
function walls(): string[][] {
  const source = read('test/architecture.test.ts');
  const each = /part: '([^']+)',\s*may: \[([^\]]*)\],\s*why: (?:'([^']+)'|"([^"]+)")/g;
  return [...source.matchAll(each)].map(([, part = '', may = '', single, double]) => [
    `\`${part}\``,
    [...may.matchAll(/'([^']+)'/g)].map(([, name]) => `\`${name}\``).join(', ') || 'nothing',
    single ?? double ?? '',
  ]);
}

describe(page, () => {
  it('names the walls that are enforced, with their reasons', () => {
    expect(walls().length).toBeGreaterThan(10);
    expect(rows(section(page, 'The walls'))).toEqual(walls());
  });

  it('names each folder of src/', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).map((entry) =>
      entry.isDirectory() ? `src/${entry.name}/` : `src/${entry.name}`,
    );
    const named = firstCodes(section(page, 'Folder by folder'));
    expect(named.filter((code) => code.startsWith('src/')).sort()).toEqual(folders.sort());
  });

  it('names a file of each step of a night', () => {
    expect(codes(section(page, 'A night, step by step')).length).toBeGreaterThan(20);
  });
});

describe('what the pages say to type', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

  it.each(pages)('%s names no script that is not there', (each) => {
    const named = [...read(each).matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)];
    expect(named.map(([, name = '']) => name).filter((name) => !(name in scripts))).toEqual([]);
  });
});
