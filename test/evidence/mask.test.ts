import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskSecrets, maskText } from '../../src/evidence/mask.ts';

const secrets: [kind: string, text: string][] = [
  ['GitHub token', `ghp_${'a'.repeat(36)}`],
  ['GitHub token', `ghs_12345_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.${'a-_'.repeat(20)}`],
  ['GitHub token', `github_pat_${'A1_'.repeat(20)}`],
  ['Slack token', 'xoxb-1234567890-abcdefghij'],
  ['JSON Web Token', `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.${'c'.repeat(20)}`],
  ['AWS secret access key', `aws_secret_access_key = ${'Ab1/'.repeat(10)}`],
  ['private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----'],
  ['private key', '-----BEGIN PRIVATE KEY-----\ncut off'],
  ['password in a URL', 'postgres://app:hunter22@db.example.com/x'],
];

describe('maskText', () => {
  it.each(secrets)('masks a %s and says that it did', (kind, secret) => {
    const found = new Set<string>();
    const masked = maskText(`before ${secret} after`, found);
    expect([...found]).toEqual([kind]);
    expect(masked).toContain(`[masked: ${kind}]`);
    const body = secret.split(/[\s=:@]+/).filter((part) => part.length >= 36);
    for (const part of body) expect(masked).not.toContain(part);
    expect(masked).not.toContain('hunter22');
    expect(masked).not.toContain('MIIB');
  });

  it.each([
    'AKIAIOSFODNN7EXAMPLE',
    '123456789012',
    'arn:aws:iam::123456789012:user/alice',
    'https://db.example.com/a:b@c',
    'eyJ is how a token begins',
  ])('leaves %s as it is', (text) => {
    const found = new Set<string>();
    expect(maskText(text, found)).toBe(text);
    expect(found.size).toBe(0);
  });

  it('ends in time on long hostile text', () => {
    const started = performance.now();
    for (const part of ['-----BEGIN ', 'eyJ', 'a://', 'secret_access_key', 'xoxb-']) {
      maskText(part.repeat(50_000 / part.length), new Set());
    }
    // Quadratic work on 50 kB would take minutes; this is no benchmark.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('maskSecrets', () => {
  it('reaches every text in a value and changes nothing without one', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const found = new Set<string>();
        expect(maskSecrets(value as never, found)).toEqual(structuredClone(value));
      }),
    );
    const found = new Set<string>();
    expect(maskSecrets({ tags: [{ value: `ghp_${'b'.repeat(36)}` }] }, found)).toEqual({
      tags: [{ value: '[masked: GitHub token]' }],
    });
  });

  it('masks a value whose key says what it is, and one behind escaped quotes', () => {
    const secret = 'Ab1/'.repeat(10);
    const found = new Set<string>();
    expect(maskSecrets({ aws_secret_access_key: secret }, found)).toEqual({
      aws_secret_access_key: '[masked: AWS secret access key]',
    });
    expect(maskText(`{\\"aws_secret_access_key\\": \\"${secret}\\"}`, found)).not.toContain(secret);
  });
});
