import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  connection,
  fits,
  fitsOne,
  graphqlPages,
  toldFields,
  wholeList,
} from '../../../collectors/github/values.ts';
import { type GitHubContext, z } from '../../../src/plugin.ts';

describe('a pattern', () => {
  it.each([
    ['main', 'main', true],
    ['main', 'mai', false],
    ['main', 'main2', false],
    ['release/1', 'release/*', true],
    ['release/1/fix', 'release/*', false],
    ['release/1/fix', 'release/**', true],
    ['release/', 'release/*', true],
    ['release', 'release/**', false],
    ['a/b/c', '**/c', true],
    ['a/b/c', '*/c', false],
    ['v1', 'v?', true],
    ['v/', 'v?', false],
    ['v\u{1f600}', 'v?', true],
    ['v', 'v?', false],
    ['a.b', 'a?b', true],
    ['axb', 'a.b', false],
    ['anything/at all', '**', true],
    ['', '*', true],
    ['', '?', false],
    ['aXbXc', 'a*b*c', true],
    ['a/bXc', 'a**b*c', true],
    ['a/b/c', 'a**b*c', false],
  ])('%j against %j: %j', (text, pattern, expected) => {
    expect(fits(text, pattern)).toBe(expected);
  });

  const part = fc.constantFrom('a', 'b', '/', '*', '**', '?');
  const texts = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 12 });

  it('means what the same regular expression means', () => {
    fc.assert(
      fc.property(texts, fc.array(part, { maxLength: 8 }), (characters, parts) => {
        const text = characters.join('');
        const pattern = parts.join('');
        const expression = pattern.replace(/\*{2,}|\*|\?/g, (sign) =>
          sign === '?' ? '[^/]' : sign === '*' ? '[^/]*' : '.*',
        );
        expect(fits(text, pattern)).toBe(new RegExp(`^${expression}$`).test(text));
      }),
    );
  });

  it('takes no longer for a hostile one', () => {
    expect(fits('a'.repeat(5_000), `${'*a'.repeat(200)}b`)).toBe(false);
  });

  it('is one of several', () => {
    expect(fitsOne('api', ['web', 'a*'])).toBe(true);
    expect(fitsOne('api', [])).toBe(false);
  });
});

describe('the pages of a GraphQL list', () => {
  const walk = async (cursors: (string | null)[]) => {
    const asked: (string | null)[] = [];
    const ask = async (after: string | null) => {
      const endCursor = cursors[asked.length] ?? null;
      asked.push(after);
      return { hasNextPage: asked.length < cursors.length, endCursor };
    };
    for await (const page of graphqlPages(ask, (info) => info)) void page;
    return asked;
  };

  it('are asked for in turn, each by the cursor of the one before', async () => {
    expect(await walk(['a', 'b', 'c'])).toEqual([null, 'a', 'b']);
  });

  it('end with one that says so, whatever its cursor', async () => {
    expect(await walk(['a'])).toEqual([null]);
  });

  it.each([
    ['no cursor', [null, 'b']],
    ['the same cursor again', ['a', 'a', 'b']],
    ['a cursor of earlier', ['a', 'b', 'a', 'c']],
  ])('are refused where more is to come and there is %s', async (_, cursors) => {
    await expect(walk(cursors)).rejects.toMatchObject({ code: 'RefusedPage' });
  });
});

describe('a list within an answer', () => {
  const part = (nodes: number[], totalCount: number, endCursor: string | null = null) => ({
    totalCount,
    pageInfo: { hasNextPage: endCursor !== null, endCursor },
    nodes,
  });
  const more = {
    name: 'More',
    text: 'query More { viewer { login } }',
    answer: z.object({ node: z.object({ list: connection({ nodes: z.array(z.number()) }) }) }),
  };
  const whole = async (first: ReturnType<typeof part>, further: ReturnType<typeof part>[] = []) => {
    const left = [...further];
    const query = async () => ({ data: { node: { list: left.shift() } } });
    const github = { query } as unknown as GitHubContext;
    return wholeList(github, 'numbers', first, more, { id: 'X' });
  };

  it('is what came with it, if that is all', async () => {
    expect(await whole(part([1, 2], 2))).toEqual({ items: [1, 2], from: [] });
  });

  it('goes on over its further pages', async () => {
    const { items, from } = await whole(part([1], 3, 'a'), [part([2], 3, 'b'), part([3], 3)]);
    expect(items).toEqual([1, 2, 3]);
    expect(from).toHaveLength(2);
  });

  it.each([
    ['shorter', part([1], 2), []],
    ['longer', part([1, 2], 1), []],
    ['shorter after its last page', part([1], 3, 'a'), [part([2], 3)]],
  ])('is refused where it is %s than GitHub counts', async (_, first, further) => {
    await expect(whole(first, further)).rejects.toMatchObject({ code: 'TieOutMismatch' });
  });
});

describe('fields', () => {
  it('that were told stand in the record, the others in its reasons', () => {
    expect(toldFields({ a: { told: 1 }, b: { untold: 'ask an owner' } })).toEqual({
      fields: { a: 1 },
      why: { untold: { b: 'ask an owner' } },
    });
  });

  it('that were all told need no reasons', () => {
    expect(toldFields({ a: { told: null } })).toEqual({ fields: { a: null }, why: {} });
  });
});
