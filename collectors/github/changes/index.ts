import {
  CollectError,
  type Collector,
  defineEvents,
  type EventsContext,
  type JsonObject,
  type z,
} from '../../../src/plugin.ts';
import { type ListedRepository, listRepositories, repositoryCalls } from '../repositories/list.ts';
import type { GitHubScope } from '../scope.ts';
import { areForgotten, changeOf, firstTold } from './change.ts';
import {
  commitCalls,
  commitPullsQuery,
  datedCalls,
  datedCommits,
  mergedInto,
  queueMs,
  readCommits,
} from './commits.ts';
import { FirstTolds } from './first-told.ts';
import { type MergedPull, mergedCalls, mergedPulls, refuseFailed, shipsIn } from './merged.ts';
import { productionCommits } from './production-commits.ts';
import { pullCalls, readPulls } from './pull-request.ts';
import { change } from './schema.ts';
import { type BranchNames, branchNames, Seen } from './seen.ts';

type Context = GitHubScope & EventsContext<z.input<typeof change>>;

const changes = defineEvents<GitHubScope, typeof change>({
  name: 'github.changes',
  version: 1,
  kind: 'events',
  when: 'merged_at',
  level: 'organization',
  title: 'Pull requests that were merged into production branches',
  fields: change,
  calls: {
    ...repositoryCalls,
    ...mergedCalls,
    ...pullCalls,
    ...datedCalls,
    ...commitCalls,
    'graphql:CommitPulls': 'contents:read pull_requests:read',
  },
  async collect(github) {
    const { start, end } = github.interval;
    const repositories = await listRepositories(github);
    const seen = new Seen(github);
    const names = branchNames(github, repositories);
    const { pulls, failed, counted } = await mergedPulls(github, repositories, seen);
    github.tieOut({ by: 'totalCount of the merged pull requests of each repository', ...counted });
    const shipped = pulls.filter(
      ({ repository, base, mergedAt }) =>
        shipsIn(github, repository, names[repository.id])(base) &&
        isWithin(mergedAt, seen.since(repository, base), end),
    );
    const inInterval = pulls.filter(({ mergedAt }) => isWithin(mergedAt, start, end));
    noteOthers(github, inInterval, shipped);
    for (const { repository, base } of shipped) {
      const known = names[repository.id] ?? [];
      if (!known.includes(base)) names[repository.id] = [...known, base].sort();
    }
    const accounted = await emitChanges(github, shipped, seen.kept(repositories, names));
    await tieOutWithCommits(github, { repositories, names, seen }, shipped, accounted);
    refuseFailed(failed);
  },
});

function isWithin(time: string, start: Date, end: Date): boolean {
  const at = Date.parse(time);
  return at >= start.getTime() && at < end.getTime();
}

/** What was merged into branches that do not ship, by branch: left out, and said so. */
function noteOthers(github: Context, all: MergedPull[], shipped: MergedPull[]): void {
  const ships = new Set(shipped);
  const counts = new Map<string, number>();
  for (const pull of all) {
    if (!ships.has(pull)) counts.set(pull.base, (counts.get(pull.base) ?? 0) + 1);
  }
  if (counts.size === 0) return;
  const branches = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const named = branches.slice(0, mostNamed).map(([branch, count]) => `${branch} ${count}`);
  const others = branches.length > mostNamed ? `, and ${branches.length - mostNamed} more` : '';
  const sum = branches.reduce((total, [, count]) => total + count, 0);
  github.note(
    'LeftOut',
    `${sum} pull ${sum === 1 ? 'request was' : 'requests were'} merged into branches that do not ship: ${named.join(', ')}${others}`,
  );
}
const mostNamed = 10;

/** @returns which change put a commit on its branch or brought it along, by `commitKey`. */
async function emitChanges(
  github: Context,
  shipped: MergedPull[],
  kept: JsonObject,
): Promise<ReadonlyMap<string, string>> {
  const accounted = new Map<string, string>();
  const first = new FirstTolds(github);
  const askedAt = github.now();
  const start = github.interval.start.getTime();
  // The slice before told of it, and nothing happened to it since; or it is of a past that is
  // held, in which rights, rules and checks would not be told any more as they were.
  const asked = shipped.filter(
    ({ id, updatedAt, mergedAt }) =>
      !first.isUnchanged(id, updatedAt) && (Date.parse(mergedAt) >= start || !github.isHeld(id)),
  );
  await readPulls(github, asked, async (listed, pull) => {
    const { id, number, updatedAt, mergedAt, base, repository } = listed;
    const known = {
      uid: id,
      name: `${repository.name}#${number}`,
      fields: {
        repository: repository.name,
        repository_id: repository.id,
        number,
        base,
        merged_at: mergedAt,
      },
      from: listed.from,
    };
    if (pull instanceof CollectError) {
      await github.item(known, () => Promise.reject(pull));
      return;
    }
    const facts = {
      repository: repository.name,
      askedAt,
      before: first.of(id),
      requiredChecks: repository.requiredChecks(base),
    };
    const fields = { ...known.fields, ...changeOf(pull, facts) };
    // What comes out of a check that still runs is no update of the pull request; and one in the
    // same second as another, or by a clock that differs, would not be seen.
    const settled =
      fields.checks?.every(({ conclusion }) => conclusion !== null) &&
      askedAt.getTime() - Date.parse(updatedAt) > doubtfulMs;
    first.add(id, firstTold(pull, facts), mergedAt, settled ? updatedAt : undefined);
    const oids = [pull.node.mergeCommit?.oid, ...(pull.commits ?? []).map(({ oid }) => oid)];
    for (const oid of oids) {
      if (oid !== undefined) accounted.set(commitKey(repository, oid), id);
    }
    const from = [...listed.from, ...pull.from];
    await github.item(
      {
        ...known,
        fields,
        from,
        untold: {
          ...(fields.required_checks === undefined ? { required_checks: untoldRules } : {}),
          ...(areForgotten(pull, facts) ? { checks: forgottenChecks } : {}),
        },
      },
      async () => {
        if (pull.lacking !== undefined) throw pull.lacking;
        const { node, from: _, lacking: __, ...lists } = pull;
        return { fields, original: { ...node, ...lists }, from };
      },
    );
  });
  first.keep(kept);
  return accounted;
}
const doubtfulMs = 5 * 60_000;
const forgottenChecks =
  'GitHub shows none, and keeps checks for a while only: this was asked more than 90 days after the merge';
const untoldRules =
  'what the rules of its base branch ask for is not told: the branch is gone, or the token may not see its protection (administration:read)';

function commitKey({ id }: ListedRepository, oid: string): string {
  return `${id} ${oid}`;
}

/**
 * Starting from the commits of the production branches, which pull requests they came by: each of
 * those that were merged in the interval must be among the changes. Of a commit that a change
 * accounts for GitHub is not asked again.
 */
async function tieOutWithCommits(
  github: Context,
  scope: { repositories: ListedRepository[]; names: BranchNames; seen: Seen },
  shipped: MergedPull[],
  accounted: ReadonlyMap<string, string>,
): Promise<void> {
  const { start, end } = github.interval;
  const { repositories, names, seen } = scope;
  const { branches, failed } = await datedCommits(github, repositories, seen.heads);
  const margin = new Date(start.getTime() - queueMs);
  const merged = new Set<string>();
  const places = new Map<string, (typeof branches)[number][]>();
  for (const branch of branches) {
    for (const { id, oid, committedDate } of branch.list.entries) {
      if (!isWithin(committedDate, margin, end)) continue;
      const change = accounted.get(commitKey(branch.repository, oid));
      if (change !== undefined) merged.add(change);
      else places.set(id, [...(places.get(id) ?? []), branch]);
    }
  }
  await readCommits(github, commitPullsQuery, [...places.keys()], async (id, commit) => {
    if (commit instanceof CollectError) throw commit;
    for (const { repository, branch } of places.get(id) ?? []) {
      const before = names[repository.id];
      for (const pull of mergedInto(github, repository, branch, commit.pulls, before)) {
        if (pull.mergedAt !== null && isWithin(pull.mergedAt, start, end)) merged.add(pull.id);
      }
    }
  });
  const changes = new Set(shipped.map(({ id }) => id));
  github.tieOut({
    by: 'pull requests of the commits on production branches',
    expected: merged.size,
    found: [...merged].filter((id) => changes.has(id)).length,
  });
  refuseFailed(failed);
}

const collector: Collector<GitHubScope> = {
  id: 'github.changes',
  title: 'GitHub changes',
  datasets: [changes, productionCommits],
};

export default collector;
