import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId, readNodeId } from '../support/github-ids.ts';
import {
  bigGitHubWorld,
  cutBranch,
  directPush,
  dismiss,
  forcePush,
  type GitHubWorld,
  githubWorld,
  later,
  merge,
  mergedChange,
  openPullRequest,
  pushTo,
  repository,
  review,
  type WorldRepository,
} from '../support/github-world.ts';

const start = '2026-03-01T09:00:00Z';

/** Every commit from a head on. */
function reached(repo: WorldRepository, head: string): Set<string> {
  const seen = new Set([head]);
  for (const oid of seen)
    for (const parent of repo.commits.get(oid)?.parents ?? []) seen.add(parent);
  return seen;
}

/** What holds of every repository, whatever happened in it. */
function checkGraph(repo: WorldRepository): void {
  for (const [oid, commit] of repo.commits) {
    expect(oid).toMatch(/^[0-9a-f]{40}$/);
    expect(commit.oid).toBe(oid);
    for (const parent of commit.parents) expect(repo.commits.has(parent)).toBe(true);
  }
  for (const head of Object.values(repo.branches)) expect(repo.commits.has(head)).toBe(true);
  for (const pr of repo.pullRequests) {
    expect(pr.head).toBe(pr.commits.at(-1));
    pr.commits.slice(1).forEach((oid, index) => {
      expect(repo.commits.get(oid)?.parents).toEqual([pr.commits[index]]);
    });
    for (const one of pr.reviews) expect(pr.updatedAt >= (one.submittedAt ?? '')).toBe(true);
    if (pr.merge === null) continue;
    expect(pr.updatedAt >= pr.merge.at).toBe(true);
    expect(pr.merge.commit).toBe(pr.merge.landed.at(-1));
    expect(repo.branches[pr.branch]).toBeUndefined();
    expect((repo.pushedAt ?? '') >= pr.merge.at).toBe(true);
  }
}

const event = fc.record({
  kind: fc.constantFrom('merged', 'pushed', 'opened', 'rewritten', 'cut'),
  method: fc.constantFrom('merge' as const, 'squash' as const, 'rebase' as const),
  commits: fc.integer({ min: 1, max: 4 }),
  hours: fc.integer({ min: 1, max: 60 }),
});

describe('a world', () => {
  it('keeps its commit graph whole whatever happens in it', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const repo = repository({ name: 'api', createdAt: start });
        let at = start;
        for (const [index, { kind, method, commits, hours }] of events.entries()) {
          at = later(at, { hours });
          const some = Array.from({ length: commits }, () => ({}));
          const before = repo.branches.main ?? '';
          if (kind === 'merged') {
            const pr = mergedChange(repo, { mergedAt: at, method, commits: some });
            const landed = reached(repo, repo.branches.main ?? '');
            for (const oid of [before, ...(pr.merge?.landed ?? [])]) expect(landed).toContain(oid);
          }
          if (kind === 'pushed') {
            directPush(repo, 'main', { at, commits: some });
            expect(reached(repo, repo.branches.main ?? '')).toContain(before);
          }
          if (kind === 'opened') {
            const pr = openPullRequest(repo, { at, commits: some });
            pushTo(repo, pr, [{ at: later(at, { minutes: 30 }) }]);
            expect(repo.branches[pr.branch]).toBe(pr.head);
          }
          if (kind === 'rewritten') {
            forcePush(repo, 'main', { at, commits: some });
            expect(reached(repo, repo.branches.main ?? '')).not.toContain(before);
          }
          if (kind === 'cut') cutBranch(repo, `release/${index}`, 'main', at);
          checkGraph(repo);
        }
      }),
    );
  });

  it('is the same each time it is made', () => {
    const make = () => {
      const repo = repository({ name: 'api' });
      mergedChange(repo, { mergedAt: start, commits: [{}, { author: 'bob' }] });
      return githubWorld({ repositories: [repo] });
    };
    expect(make()).toEqual(make());
    const size = { repositories: 3, changes: 30, start, end: '2026-04-01T09:00:00Z' };
    expect(bigGitHubWorld(size)).toEqual(bigGitHubWorld(size));
  });

  it('squashes into one commit that names the other authors', () => {
    const repo = repository({ name: 'api' });
    const pr = mergedChange(repo, {
      ...{ mergedAt: start, author: 'alice', title: 'Add paging' },
      commits: [{}, { author: 'carol' }],
    });
    const commit = repo.commits.get(pr.merge?.commit ?? '');
    expect(pr.merge?.landed).toEqual([commit?.oid]);
    expect(commit?.message).toContain('Add paging (#1)');
    expect(commit?.message).toContain('Co-authored-by: Carol <carol@example.com>');
    expect(commit?.committer).toMatchObject({ handle: 'web-flow', email: 'noreply@github.com' });
    expect(commit?.author.handle).toBe('alice');
  });

  it('rebases into as many new commits, and merges the old ones under one', () => {
    const repo = repository({ name: 'api' });
    const two = [{}, {}];
    const rebased = mergedChange(repo, { mergedAt: start, method: 'rebase', commits: two });
    expect(rebased.merge?.landed).toHaveLength(2);
    expect(rebased.merge?.landed).not.toContain(rebased.commits[0]);
    const at = later(start, { days: 2 });
    const merged = mergedChange(repo, { mergedAt: at, method: 'merge', commits: two });
    expect(merged.merge?.landed.slice(0, 2)).toEqual(merged.commits);
    expect(repo.commits.get(merged.merge?.commit ?? '')?.parents).toHaveLength(2);
  });

  it('branches a pull request off what the base was when it was opened', () => {
    const repo = repository({ name: 'api' });
    const before = repo.branches.main;
    mergedChange(repo, { mergedAt: start });
    const pr = mergedChange(repo, { mergedAt: later(start, { hours: 1 }) });
    expect(repo.commits.get(pr.commits[0] ?? '')?.parents).toEqual([before]);
  });

  it('puts a review of an earlier commit before the next one, and a late one after the merge', () => {
    const repo = repository({ name: 'api' });
    const pr = mergedChange(repo, {
      mergedAt: start,
      commits: [{}, {}, {}],
      reviews: [
        { by: 'bob', commit: 0 },
        { by: 'carol' },
        { by: 'dave', at: later(start, { hours: 3 }) },
      ],
    });
    const [early, usual, late] = pr.reviews;
    const date = (place: number) => repo.commits.get(pr.commits[place] ?? '')?.committer.date ?? '';
    expect(early?.commit).toBe(pr.commits[0]);
    expect((early?.submittedAt ?? '') < date(1)).toBe(true);
    expect(usual).toMatchObject({ commit: pr.head, submittedAt: later(start, { minutes: -10 }) });
    expect(late?.submittedAt).toBe(pr.updatedAt);
  });

  it('keeps what a dismissed review said before', () => {
    const repo = repository({ name: 'api' });
    const pr = openPullRequest(repo, { at: start });
    const one = review(repo, pr, { by: 'bob' });
    dismiss(pr, one, later(start, { hours: 1 }));
    expect(one).toMatchObject({ state: 'DISMISSED', dismissed: { previous: 'APPROVED' } });
    merge(repo, pr, { at: later(start, { hours: 2 }), queue: true });
    expect(pr.merge?.by).toBe('github-merge-queue[bot]');
  });

  it('rewrites a pull request and remembers both heads', () => {
    const repo = repository({ name: 'api' });
    const pr = openPullRequest(repo, { at: start, commits: [{}, {}] });
    const before = pr.head;
    forcePush(repo, pr, { at: later(start, { hours: 1 }), by: 'carol', commits: [{}] });
    expect(pr.commits).toEqual([pr.head]);
    expect(pr.forcePushes).toMatchObject([{ actor: 'carol', before, after: pr.head }]);
    expect(repo.commits.has(before)).toBe(true);
    const gone = pr.head;
    forcePush(repo, pr, { at: later(start, { hours: 2 }), gone: true });
    expect(repo.commits.has(gone)).toBe(false);
    expect(pr.forcePushes[1]?.before).toBeNull();
  });
});

describe('a large world', () => {
  const size = { repositories: 20, changes: 400, start, end: '2026-11-01T00:00:00Z' };
  const changes = ({ repositories }: GitHubWorld) =>
    repositories.flatMap((one) => one.pullRequests);

  it('has as many merged changes as asked for, evenly spread', () => {
    const world = bigGitHubWorld(size);
    const merged = changes(world).map(({ merge: how }) => how?.at ?? '');
    expect(merged).toHaveLength(400);
    expect(merged.every((at) => at >= size.start && at < size.end)).toBe(true);
    for (const repo of world.repositories) {
      expect(repo.pullRequests).toHaveLength(20);
      checkGraph(repo);
    }
    const before = merged.filter((at) => at < '2026-07-01T00:00:00Z').length;
    expect(before).toBe(199);
  });

  it('has bots, several methods, reviews and checks in it', () => {
    const all = changes(bigGitHubWorld(size));
    expect(all.filter(({ author }) => author === 'dependabot[bot]')).toHaveLength(20);
    expect(new Set(all.map(({ merge: how }) => how?.method)).size).toBe(3);
    expect(all.every(({ reviews }) => reviews.length === 1 || reviews.length === 2)).toBe(true);
    expect(all.every(({ author, reviews }) => reviews.every((one) => one.author !== author))).toBe(
      true,
    );
  });
});

describe('a node id', () => {
  it('is GitHub’s own form', () => {
    expect(nodeId('R', 4711)).toBe('R_kgDOAAASZw');
  });

  it('tells what it was made from', () => {
    const part = fc.oneof(fc.nat(), fc.integer({ min: 2 ** 32, max: 2 ** 47 }), fc.string());
    const parts = fc.array(part, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom('R', 'PR', 'REF'), parts, (prefix, given) => {
        expect(readNodeId(nodeId(prefix, ...given))).toEqual({ prefix, parts: given });
      }),
    );
  });

  it('is nothing else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = readNodeId(text);
        if (read !== undefined) expect(nodeId(read.prefix, ...read.parts)).toBe(text);
      }),
    );
    expect(readNodeId('R_kgDOAAASZ')).toBeUndefined();
    expect(readNodeId('')).toBeUndefined();
  });
});
