import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pseudonyms } from '../../src/archive/pseudonyms.ts';

const key = 'a secret of more than thirty-two characters';
const knowing = (...identifiers: string[]) => {
  const pseudonyms = new Pseudonyms(key);
  for (const each of identifiers) pseudonyms.learn(each);
  return pseudonyms;
};
const of = (identifier: string, secret = key) => {
  const pseudonyms = new Pseudonyms(secret);
  pseudonyms.learn(identifier);
  return pseudonyms.text(identifier);
};

describe('a pseudonym', () => {
  it('is the first twelve digits of HMAC-SHA-256', () => {
    // openssl dgst -sha256 -hmac 'a secret of more than thirty-two characters', of "person alice".
    expect(of('alice')).toBe('person-428fbd377132');
  });

  it('depends on the key and the identifier alone', () => {
    expect(of('alice')).toBe(knowing('bob', 'alice').text('alice'));
    expect(of('alice')).not.toBe(of('alicf'));
    expect(of('alice')).not.toBe(of('alice', `${key}.`));
    expect(new Pseudonyms(key).keyId).not.toBe(new Pseudonyms(`${key}.`).keyId);
  });

  it.each([
    ['alone', 'alice', '*'],
    [
      'in an ARN',
      'arn:aws:iam::123456789012:user/ops/alice',
      'arn:aws:iam::123456789012:user/ops/*',
    ],
    ['as the beginning of a branch', 'alice/fix', '*/fix'],
    ['among other words', 'the key of alice, 91 days old', 'the key of *, 91 days old'],
    ['twice', 'alice and alice', '* and *'],
    ['before @', 'alice@localhost', '*@localhost'],
    ['between underlines', 'old_alice_2', 'old_*_2'],
  ])('stands for a name %s', (_where, text, expected) => {
    expect(knowing('alice').text(text)).toBe(expected.replaceAll('*', of('alice')));
  });

  it.each(['malice', 'alices', 'alice2', 'álice', 'éalice', 'alic', ''])(
    'does not stand for a part of another word: %s',
    (text) => {
      expect(knowing('alice').text(text)).toBe(text);
    },
  );

  it('is that of the longest identifier that fits', () => {
    const pseudonyms = knowing('alice', 'alice@acme.example', 'alice-admin');
    expect(pseudonyms.text('alice-admin, alice@acme.example, alice')).toBe(
      [of('alice-admin'), of('alice@acme.example'), of('alice')].join(', '),
    );
  });

  it('tells ids apart that differ in the case of a letter', () => {
    const pseudonyms = knowing('U_kgDOAa', 'U_kgDOaA');
    expect(pseudonyms.text('U_kgDOAa U_kgDOaA')).toBe(`${of('U_kgDOAa')} ${of('U_kgDOaA')}`);
    expect(pseudonyms.count).toBe(2);
  });

  it('stands for names with blanks, signs and letters of any script', () => {
    for (const name of ['Grace Hopper', '_bob', 'o’neil', '李雷', 'renovate[bot]', '𝒜lice']) {
      expect(knowing(name).text(`by ${name}: so`)).toBe(`by ${of(name)}: so`);
    }
  });

  it('stands for what has neither letter nor digit where it is all of a text', () => {
    const pseudonyms = knowing('', ' ', '_', '🦄');
    expect(pseudonyms.text('🦄')).toBe(of('🦄'));
    expect(pseudonyms.text('_')).toBe(of('_'));
    expect(pseudonyms.text('a_b _ 🦄 ')).toBe('a_b _ 🦄 ');
    expect([pseudonyms.text(''), pseudonyms.text(' ')]).toEqual(['', ' ']);
    expect(pseudonyms.count).toBe(2);
  });

  it.each([
    ['in capitals', 'zoë ölund', 'ZOË ÖLUND'],
    ['in another script', 'Иван', 'ИВАН'],
    ['with a capital', 'alice', 'Alice'],
  ])('stands for a name %s, and is that of how it is written', (_how, name, written) => {
    expect(knowing(name).text(`by ${written}`)).toBe(`by ${of(written)}`);
  });

  it.each([
    ['in an address', 'j.doe+x@example.com', '/v1/p/j.doe%2Bx%40example.com', '/v1/p/*'],
    ['in an address with small hex digits', 'zoë', '/p/zo%C3%AB?', '/p/*?'],
    ['in a form', 'Grace Hopper', 'q=Grace+Hopper&n=1', 'q=*&n=1'],
    ['within JSON', 'O"Brien', '{"by":"O\\"Brien"}', '{"by":"*"}'],
    ['with accents of their own', 'José', 'by Jose\u0301', 'by *'],
    ['without the blanks around it', ' padded ', 'by padded', 'by *'],
  ])('is the same for a name %s', (_how, name, text, expected) => {
    expect(knowing(name).text(text)).toBe(expected.replace('*', of(name)));
  });

  it('stands for a name before what is no blank in its script', () => {
    expect(knowing('田中').text('田中さん')).toBe(`${of('田中')}さん`);
    expect(knowing('สมชาย').text('คุณสมชายครับ')).toBe(`คุณ${of('สมชาย')}ครับ`);
  });

  it('does not stand for a name whose last letter has another accent', () => {
    expect(knowing('Jose').text('Jose\u0301')).toBe('Jose\u0301');
  });

  it('stands for all of two names that overlap', () => {
    expect(knowing('Mary Ann', 'Ann Jones').text('by Mary Ann Jones.')).toBe(
      `by ${of('Mary Ann Jones')}.`,
    );
  });

  it('is found among thousands that begin with the same words', () => {
    const names = Array.from({ length: 3_000 }, (_name, n) => `maria ${'x'.repeat(n + 1)}`);
    const long = Array.from({ length: 300 }, (_name, n) => 'a '.repeat(n + 2).trim());
    const pseudonyms = knowing(...names, ...long);
    expect(pseudonyms.text(`${'maria '.repeat(5_000)}${names[2_000]}!`)).toBe(
      `${'maria '.repeat(5_000)}${of(names[2_000] ?? '')}!`,
    );
    expect(pseudonyms.text('a '.repeat(20_000).trim())).toMatch(/^person-[0-9a-f]{12}$/);
  });

  it('stands for every mail address, and for no version of an action', () => {
    const text = 'from <eve@mail.example.org>, actions/checkout@v4.1.0 on git@host';
    expect(knowing().text(text)).toBe(
      text.replace('eve@mail.example.org', of('eve@mail.example.org')),
    );
  });

  it('leaves no identifier where it stood as a word, whatever else is there', () => {
    const name = fc.stringMatching(/^[a-z]{3,6}([-_.@][a-z0-9]{1,4}){0,2}$/);
    const gap = fc.constantFrom(' ', '/', ':', ', ', '#', '"', '\n', ' (');
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 1, maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(), gap), { maxLength: 12 }),
        (names, parts) => {
          const pseudonyms = knowing(...names);
          const told = parts.map(([which, before]) => [before, names[which % names.length] ?? '']);
          const text = `x${told.flat().join('')}`;
          const expected = `x${told.map(([before, each = '']) => before + of(each)).join('')}`;
          expect(pseudonyms.text(text)).toBe(expected);
        },
      ),
    );
  });
});

it('a mask tells one from another by nothing', () => {
  expect(knowing('alice', 'bob').mask('alice, bob')).toBe('[person], [person]');
});
