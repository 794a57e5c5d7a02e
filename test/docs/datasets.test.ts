import { describe, expect, it } from 'vitest';
import { builtin } from '../../collectors/index.ts';
import { codes, firstCodes, rows, section } from './pages.ts';

const page = 'docs/aws.md';

describe(page, () => {
  it('names each dataset with its scope, calls and permissions, and no other', () => {
    const written = rows(section(page, 'Datasets'))
      .filter(([name = '']) => name.startsWith('`aws.'))
      .map(([name = '', level, calls = '']) => [name.slice(1, -1), level, calls]);
    const there = (builtin.collectors ?? [])
      .flatMap((collector) => collector.datasets)
      .map(({ name, level, calls }) => [
        name,
        level,
        Object.entries(calls)
          .map(([call, needs]) => (call === needs ? `\`${call}\`` : `\`${call}\` (\`${needs}\`)`))
          .join(', '),
      ]);
    expect(there.length).toBeGreaterThan(20);
    expect(written).toEqual(there);
  });

  it('names each call of connecting and no other', () => {
    const connecting = section(page, 'Datasets').split('While connecting')[1] ?? '';
    const [aws] = builtin.sources ?? [];
    expect(firstCodes(connecting)).toEqual(Object.keys(aws?.calls ?? {}));
  });

  it('names how old a dataset may be', () => {
    for (const { name, staleAfterHours } of (builtin.collectors ?? []).flatMap((c) => c.datasets)) {
      if (staleAfterHours === undefined) continue;
      const text = section('docs/controls.md', 'Statuses');
      expect(codes(text)).toContain(name);
      expect(text).toContain(`${staleAfterHours} hours`);
    }
  });
});
