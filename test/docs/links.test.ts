import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchors, codes, fencesOf, links, pages, read, root } from './pages.ts';

/** Files of a reader's own, which a page shows whole. */
const examples = new Set(fencesOf('yaml', 'control').map(({ info }) => `controls/${info[2]}`));

describe.each(pages)('%s', (page) => {
  it('has no link that leads nowhere', () => {
    const broken = links(page).filter(({ target, anchor }) => {
      const file = target === '' ? page : relative(root, join(root, dirname(page), target));
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && !anchors(file).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('names no file of the project that is not there', () => {
    const named = codes(read(page).replace(/^```.*\n[\s\S]*?^```$/gm, ''))
      .filter((code) => !examples.has(code))
      .filter((code) => /^(src|test|collectors|controls|scripts|docs|bench)\/[\w./-]+$/.test(code))
      .filter(
        (code) => !existsSync(join(root, code)) && !existsSync(join(root, dirname(page), code)),
      );
    expect(named).toEqual([]);
  });

  it('claims no opinion', () => {
    expect(read(page)).not.toMatch(/\b(compliant|certified|certifies|guaranteed)\b/i);
  });
});

it('the pages are found', () => {
  expect(pages.length).toBeGreaterThan(20);
});
