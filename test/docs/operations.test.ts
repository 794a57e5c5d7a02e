import { describe, expect, it } from 'vitest';
import { fence, read } from './pages.ts';

const page = 'docs/operations.md';

interface Statement {
  Effect: string;
  Action: string | string[];
}

const actionsOf = (statements: Statement[]) =>
  statements.flatMap(({ Effect, Action }) => (Effect === 'Allow' ? Action : [])).sort();

describe('the policies in docs/operations.md', () => {
  it('let the nightly job read the store and add to it, and nothing else', () => {
    const { Statement } = JSON.parse(fence(page, 'json', 'policy', 'store').text);
    expect(actionsOf(Statement)).toEqual([
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
      's3:PutObjectRetention',
    ]);
  });

  it('let it sign with the key, and nothing else', () => {
    const statement = JSON.parse(fence(page, 'json', 'policy', 'key').text);
    expect(actionsOf([statement])).toEqual(['kms:GetPublicKey', 'kms:Sign']);
  });

  it('say every permission that the store and the key ask for', () => {
    const source = ['src/store/s3.ts', 'src/store/s3-doctor.ts', 'src/seal/kms.ts']
      .map(read)
      .join('\n');
    const asked = new Set([...source.matchAll(/\b(?:s3|kms):[A-Z]\w+/g)].map(([name]) => name));
    expect(asked.size).toBeGreaterThan(10);
    const said = new Set(
      [...read(page).matchAll(/[`"]((?:s3|kms):[A-Z]\w+)[`"]/g)].map(([, name]) => name),
    );
    expect([...asked].filter((name) => !said.has(name))).toEqual([]);
  });
});
