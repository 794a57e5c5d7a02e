import { ObjectIdentifier, OctetString, Sequence } from 'asn1js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Element, oidOf, readDer, smallNumberOf } from '../../src/seal/der.ts';

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

describe('readDer', () => {
  /** The bytes again, from the parts. */
  const written = ({ tag, content, elements }: Element): Buffer => {
    const value = elements.length > 0 ? Buffer.concat(elements.map(written)) : content;
    const block = new OctetString({ valueHex: value });
    const bytes = Buffer.from(block.toBER());
    bytes[0] = tag;
    return bytes;
  };

  it('reads what asn1js writes, whatever its length', () => {
    const { tree } = fc.letrec<{ tree: Sequence | OctetString; leaf: OctetString; node: Sequence }>(
      (tie) => ({
        tree: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('node')),
        leaf: fc
          .oneof(
            fc.uint8Array({ maxLength: 10 }),
            fc.uint8Array({ minLength: 120, maxLength: 300 }),
            fc.constantFrom(255, 256, 65_535, 65_536).map((length) => new Uint8Array(length)),
          )
          .map((valueHex) => new OctetString({ valueHex })),
        node: fc.array(tie('tree'), { maxLength: 4 }).map((value) => new Sequence({ value })),
      }),
    );
    fc.assert(
      fc.property(tree, (block) => {
        const bytes = Buffer.from(block.toBER());
        const element = readDer(bytes);
        expect(element.encoding.equals(bytes)).toBe(true);
        expect(written(element).equals(bytes)).toBe(true);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a content that is cut', '0402 00'],
    ['a length that is cut', '0482 01'],
    ['two elements', '0500 0500'],
    ['a short length in a long form', '048100'],
    ['a length with a zero before it', `04820080${'00'.repeat(128)}`],
    ['no length', '3080 0000'],
    ['a string in parts', '2403 040100'],
    ['a tag of two octets', '1f1f00'],
    ['an element that is longer than its place', '3003 040200'],
  ])('refuses %s', (_name, bytes) => {
    expect(() => readDer(hex(bytes))).toThrow();
  });
});

describe('the size that readDer takes', () => {
  it('is fifty levels', () => {
    const nested = (levels: number) => {
      let block: Sequence = new Sequence();
      for (let level = 1; level < levels; level += 1) block = new Sequence({ value: [block] });
      return Buffer.from(block.toBER());
    };
    expect(readDer(nested(50)).tag).toBe(0x30);
    expect(() => readDer(nested(51))).toThrow('too many parts');
  });

  it('is twenty thousand elements', () => {
    const many = (count: number) => {
      const length = (2 * count).toString(16).padStart(4, '0');
      return Buffer.concat([hex(`3082${length}`), Buffer.alloc(2 * count, hex('0500'))]);
    };
    // The one around them counts too.
    expect(readDer(many(19_999)).elements.length).toBe(19_999);
    expect(() => readDer(many(20_000))).toThrow('too many parts');
  });
});

describe('oidOf', () => {
  const of = (content: Uint8Array) =>
    oidOf(readDer(Buffer.concat([Buffer.from([0x06, content.length]), content])));

  it.each([
    ['1.2.840.113549.1.7.2', '2a864886f70d010702'],
    ['2.16.840.1.101.3.4.2.1', '608648016503040201'],
    ['0.0', '00'],
    ['0.39', '27'],
    ['1.39', '4f'],
    ['2.40', '78'],
    ['2.999.3', '883703'],
    // As long as a UUID (X.667).
    ['2.25.329800735698586629295641978511506172918', '6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776'],
  ])('reads %s', (written, content) => {
    expect(of(hex(content))).toBe(written);
  });

  it('reads what asn1js writes', () => {
    const oids = fc
      .tuple(fc.nat(2), fc.nat(39), fc.array(fc.nat(), { maxLength: 6 }))
      .map(([first, second, rest]) => [first, second, ...rest].join('.'));
    fc.assert(
      fc.property(oids, (value) => {
        const written = Buffer.from(new ObjectIdentifier({ value }).toBER());
        expect(oidOf(readDer(written))).toBe(value);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['a number that does not end', '2a86'],
    ['a number with a zero before it', '2a8001'],
    ['more than any has', '2a'.repeat(65)],
  ])('refuses %s', (_name, content) => {
    expect(() => of(hex(content))).toThrow();
  });
});

describe('smallNumberOf', () => {
  it.each([
    ['020100', 0],
    ['02017f', 127],
    ['02020080', 128],
    ['0201ff', -1],
    ['0202ff7f', -129],
    ['02047fffffff', 2 ** 31 - 1],
  ])('reads %s', (bytes, number) => {
    expect(smallNumberOf(readDer(hex(bytes)))).toBe(number);
  });

  it.each(['0200', '02020000', '0202007f', '0202ffff', '0202ff80', '02050100000000', '040100'])(
    'refuses %s',
    (bytes) => {
      expect(() => smallNumberOf(readDer(hex(bytes)))).toThrow();
    },
  );
});
