/** Every code of a finding, with a store that produces it. */
import { afterAll, describe, expect, it } from 'vitest';
import { compareText } from '../../src/evidence/json.ts';
import { findingCodes } from '../../src/verify/finding.ts';
import { opensslAvailable, opensslMissing } from '../support/authority.ts';
import { rewrite } from '../support/sealed-nights.ts';
import { all, begunAnew, cases, closeAuthority, key, other, rotated, signer } from './cases.ts';
import { findingsOf } from './findings.ts';

afterAll(closeAuthority);

describe('each code of a finding', () => {
  it('has a case here', () => {
    expect(Object.keys(cases).sort(compareText)).toEqual([...findingCodes].sort(compareText));
  });

  for (const [code, { what, severity, bundles, store, openssl = false }] of Object.entries(cases)) {
    const missing = openssl ? opensslMissing : '';
    it.skipIf(openssl && !opensslAvailable)(`${code}: ${what}${missing}`, async () => {
      const { backend, held } = await store();
      const { breaks, notes } = await findingsOf(backend, held);
      const found = [...breaks, ...notes].filter((each) => each.code === code);
      expect(found.map((each) => ({ severity: each.severity, bundles: each.bundles }))).toEqual([
        { severity, bundles },
      ]);
      // What a note is about breaks nothing.
      if (severity === 'note') expect(breaks).toEqual([]);
      for (const { message, where } of found) {
        expect(message).not.toMatch(/undefined|\[object|NaN/);
        expect(where).toMatch(/^(bundles|seals|objects|SHA256SUMS|AC-01|redaction\.json)/);
      }
    });
  }
});

describe('a change of keys', () => {
  it('is clean where a key that may sign introduced the next, whichever was given', async () => {
    const { backend } = await rotated();
    for (const keys of [[signer.publicKey], [other.publicKey], [key]]) {
      const { breaks } = await findingsOf(backend, { keys });
      expect(breaks).toEqual([]);
    }
  });

  it('tells that the first key was not given, where only the second was', async () => {
    const { backend } = await rotated();
    const { notes } = await findingsOf(backend, { keys: [other.publicKey] });
    expect(notes.find(({ code }) => code === 'KeyNotHeld')?.bundles).toEqual(all.slice(0, 7));
  });

  it('that begins anew is a note where the new key was given, and says so', async () => {
    const { backend } = await begunAnew();
    const { breaks, notes } = await findingsOf(backend, {
      keys: [signer.publicKey, other.publicKey],
    });
    expect(breaks).toEqual([]);
    expect(notes.map(({ code }) => code)).toContain('KeyBegunAnew');
  });

  it('that begins anew is not trusted by the key of before', async () => {
    const { backend } = await begunAnew();
    const { breaks } = await findingsOf(backend, { keys: [signer.publicKey] });
    expect(breaks.map(({ code }) => code)).toEqual(['KeyBegunAnew', 'KeyNotTrusted']);
  });

  it('does not let a retired key sign again', async () => {
    const { backend, keys } = await rotated();
    const signature = { key, previous_key: other.publicKey.fingerprint, signers: [key] };
    await rewrite(keys, 12, (manifest) => ({ ...manifest, signature }), signer);
    const { breaks } = await findingsOf(backend, { keys: [signer.publicKey] });
    expect(breaks.map(({ code }) => code)).toEqual(['KeyNotIntroduced']);
  });
});
