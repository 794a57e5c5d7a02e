import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/evidence/json.ts';
import { formatManifest, type Manifest, parseManifest } from '../../src/seal/manifest.ts';
import { draft } from '../support/bundles.ts';

const manifest: Manifest = {
  ...draft(),
  sequence: 1,
  previous: null,
  signature: null,
  timestamps: { authorities: [], tokens: [], missing: [] },
};

describe('parseManifest', () => {
  it('reads what formatManifest wrote', () => {
    const { bytes, digest } = formatManifest(manifest);
    expect(parseManifest(bytes, 'here')).toEqual({ manifest, digest });
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['another value', '[]'],
    ['white space', ` ${canonicalJson(manifest)}`],
    ['keys in another order', JSON.stringify(manifest)],
    ['an unknown key', canonicalJson({ ...manifest, note: 1 })],
    ['a newer format', canonicalJson({ ...manifest, format: 'tickmark-bundle/2' })],
    ['a sequence of zero', canonicalJson({ ...manifest, sequence: 0 })],
    ['a digest that is none', canonicalJson({ ...manifest, previous: 'abc' })],
    ['a run id that leaves its folder', canonicalJson({ ...manifest, run: '../../etc/passwd' })],
    ['a key twice', canonicalJson(manifest).replace('{', '{"answers":"live",')],
  ])('refuses %s', (_name, text) => {
    expect(() => parseManifest(Buffer.from(text), 'here')).toThrowError(
      expect.objectContaining({ code: 'IntegrityBroken' }),
    );
  });
});
