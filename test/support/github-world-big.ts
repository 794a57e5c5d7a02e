/** A large world for measuring. */

import type { GitHubWorld, Time } from './github-world.ts';
import { githubWorld, member, protection, repository, team } from './github-world-builders.ts';
import { later, mergedChange } from './github-world-events.ts';

/**
 * A world of a given size for measuring: merged changes spread evenly over time and repositories,
 * of one to four commits, most of them squashed, reviewed once or twice and checked three times;
 * one in twenty is a bot's. The same sizes always give the same world.
 */
export function bigGitHubWorld(size: {
  repositories: number;
  changes: number;
  start: Time;
  end: Time;
}): GitHubWorld {
  const people = Array.from({ length: 60 }, (_, index) => `user-${padded(index)}`);
  const created = later(size.start, { days: -365 });
  const checks = ['build', 'lint', 'test'];
  const contexts = checks.map((context) => ({ context, app: 'github-actions' }));
  const repositories = Array.from({ length: size.repositories }, (_, index) =>
    repository({
      name: `repo-${padded(index)}`,
      createdAt: created,
      protections: [protection({ checks: { strict: true, contexts } })],
    }),
  );
  const first = Date.parse(size.start);
  const step = (Date.parse(size.end) - first) / size.changes;
  for (let index = 0; index < size.changes; index += 1) {
    // Steps that share no factor with the sizes visit all in turn.
    const repo = repositories[(index * 7919) % size.repositories];
    const pick = (shift: number) => people[(index * 31 + shift) % people.length] ?? 'alice';
    if (repo === undefined) break;
    const mergedAt = later(new Date(first + (index + 0.5) * step).toISOString(), {});
    const bot = index % 20 === 7;
    mergedChange(repo, {
      mergedAt,
      mergedBy: pick(1),
      author: bot ? 'dependabot[bot]' : pick(0),
      method: index % 10 === 3 ? 'merge' : index % 10 === 6 ? 'rebase' : 'squash',
      commits: Array.from({ length: bot ? 1 : 1 + (index % 4) }, () => ({})),
      reviews: Array.from({ length: 1 + (index % 3 === 0 ? 1 : 0) }, (_, place) => ({
        by: pick(7 + place),
      })),
      checks: checks.map((name) => ({ name })),
      files: bot ? ['package-lock.json', 'package.json'] : ['src/index.ts'],
      ...(index % 2 === 0 ? { closes: [`acme/${repo.name}#${index}`] } : {}),
    });
  }
  return githubWorld({
    organization: {
      members: [member('alice', 'admin'), ...people.map((handle) => member(handle))],
      teams: [
        team({
          slug: 'engineering',
          members: people,
          repositories: Object.fromEntries(repositories.map(({ name }) => [name, 'write'])),
        }),
      ],
    },
    repositories,
  });
}

const padded = (index: number) => String(index).padStart(3, '0');
