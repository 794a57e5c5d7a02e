import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changeInner,
  childElements,
  childText,
  escapeXml,
  unescapeXml,
} from '../support/xml-elements.ts';

describe('childElements', () => {
  it('gives the direct children only, whatever they hold', () => {
    const xml = '<?xml version="1.0"?><a x="1"><member><a>1</a></member></a><b/><a></a>';
    expect(childElements(xml).map(({ name, inner }) => [name, inner])).toEqual([
      ['a', '<member><a>1</a></member>'],
      ['b', ''],
      ['a', ''],
    ]);
  });

  it('cuts any list of any trees into its members and nothing else', () => {
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.string().map((text) => `<member>${escapeXml(text)}</member>`),
        fc.constant('<member/>'),
        fc
          .tuple(fc.constantFrom('member', 'list'), fc.array(tie('tree'), { maxLength: 4 }))
          .map(([name, inner]) => `<${name}>${inner.join('')}</${name}>`),
      ),
    }));
    fc.assert(
      fc.property(fc.array(tree), (trees) => {
        expect(childElements(trees.join('')).map((child) => child.outer)).toEqual(trees);
      }),
    );
  });
});

describe('changeInner', () => {
  it('changes the element that the path names, not one that looks the same before it', () => {
    const xml = '<r><before><list>1</list></before><list>1</list></r>';
    expect(changeInner(xml, ['r', 'list'], (inner) => `${inner}2`)).toBe(
      '<r><before><list>1</list></before><list>12</list></r>',
    );
    expect(changeInner('<r a="b"><list/></r>', ['r', 'list'], () => '$&')).toBe(
      '<r a="b"><list>$&</list></r>',
    );
  });

  it('says which element is missing', () => {
    expect(() => changeInner('<r/>', ['r', 'list'], () => '')).toThrow('no <list>');
  });
});

it('childText is the inside of the first child of that name', () => {
  expect(childText('<a><b>x</b></a><b>1</b><b>2</b>', 'b')).toBe('1');
  expect(childText('<a/>', 'b')).toBeUndefined();
});

it('unescapeXml undoes escapeXml, once', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'&<>;amplt"') }), (text) => {
      expect(unescapeXml(escapeXml(text))).toBe(text);
    }),
  );
});
