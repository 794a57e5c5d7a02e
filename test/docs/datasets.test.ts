import { describe, expect, it } from 'vitest';
import { builtin } from '../../collectors/index.ts';
import { githubPermissions } from '../../src/collect/permissions.ts';
import { codes, fence, firstCodes, rows, section } from './pages.ts';

const datasets = (builtin.collectors ?? []).flatMap((collector) => collector.datasets);

type Calls = Record<string, string>;

/** Words of a table that stand for several calls. */
type Groups = Record<string, Calls>;

/** The calls in a cell: `call`, `call` (`permission`), or **a group of them**. */
function callsIn(cell: string, groups: Groups = {}): Calls {
  const each = /\*\*([^*]+)\*\*|`([^`]+)`(?: \(`([^`]+)`\))?/g;
  const entries = [...cell.matchAll(each)].flatMap(([, group, call = '', needs = call]) => {
    if (group === undefined) return [[call, needs] as const];
    return Object.entries(groups[group] ?? { [`no group ${group}`]: '' });
  });
  return Object.fromEntries(entries);
}

/** What a page calls by one name, in the tables below the datasets. */
function groupsOf(text: string): Groups {
  return Object.fromEntries(
    rows(text).flatMap(([first = '', calls = '']) => {
      const [, name] = /^\*\*(.+)\*\*$/.exec(first) ?? [];
      return name === undefined ? [] : [[name, callsIn(calls)] as const];
    }),
  );
}

describe.each((builtin.sources ?? []).map(({ id, calls }) => ({ id, calls })))(
  'docs/$id.md',
  ({ id, calls: connectingCalls }) => {
    const text = section(`docs/${id}.md`, 'Datasets');
    const own = datasets.filter(({ name }) => name.startsWith(`${id}.`));
    const written = rows(text).filter(([name = '']) => name.startsWith(`\`${id}.`));

    it('names each dataset with its scope, calls and permissions, and no other', () => {
      const groups = groupsOf(text);
      const said = written.map((cells) => [
        codes(cells[0] ?? '')[0],
        cells.at(-2),
        callsIn(cells.at(-1) ?? '', groups),
      ]);
      expect(own.length).toBeGreaterThan(15);
      expect(said).toEqual(own.map(({ name, level, calls }) => [name, level, calls]));
    });

    it('says which datasets are of events, where there are any', () => {
      const events = written.filter((cells) => cells.includes('events'));
      expect(events.flatMap(([name = '']) => codes(name))).toEqual(
        own.filter(({ kind }) => kind === 'events').map(({ name }) => name),
      );
    });

    it('names each call of connecting and no other', () => {
      const connecting = text.split('While connecting')[1] ?? '';
      expect(firstCodes(connecting)).toEqual(Object.keys(connectingCalls));
    });
  },
);

describe('docs/github.md', () => {
  it('shows the permissions that all tests together need, as they are printed', () => {
    const [github] = (builtin.sources ?? []).filter(({ id }) => id === 'github');
    const own = datasets.filter(({ name }) => name.startsWith('github.'));
    expect(JSON.parse(fence('docs/github.md', 'json', 'permissions').text)).toEqual(
      githubPermissions({ calls: github?.calls ?? {} }, own),
    );
  });

  it('says of each dataset of events how far back it reaches', () => {
    expect(firstCodes(section('docs/github.md', 'How far back')).sort()).toEqual(
      datasets
        .filter(({ kind }) => kind === 'events')
        .map(({ name }) => name)
        .sort(),
    );
  });
});

describe('docs/controls.md', () => {
  it('names how old a dataset may be', () => {
    for (const { name, staleAfterHours } of datasets) {
      if (staleAfterHours === undefined) continue;
      const text = section('docs/controls.md', 'Statuses');
      expect(codes(text)).toContain(name);
      expect(text).toContain(`${staleAfterHours} hours`);
    }
  });
});
