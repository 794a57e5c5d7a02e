/** What is on one commit's line and not on another's. */
import { type Answer, type GitHubContext, z } from '../../../src/plugin.ts';
import { ownerAndName, read } from '../values.ts';

export const compareRoute = 'GET /repos/{owner}/{repo}/compare/{basehead}';

const comparison = z.object({
  status: z.enum(['ahead', 'behind', 'diverged', 'identical']),
  total_commits: z.int(),
});
const comparedCommit = z.object({ sha: z.string(), node_id: z.string() });

export interface Compared {
  /** The old commit is not on the new one's line any more. */
  rewritten: boolean;
  /** GitHub's own count. */
  expected: number;
  /** Oldest first, each once. */
  commits: { id: string; oid: string; from: Answer[] }[];
}

/**
 * Commits that `head` reaches and `old` does not, whatever their dates.
 * @param repository `acme/api`
 */
export async function compare(
  github: GitHubContext,
  repository: string,
  old: string,
  head: string,
): Promise<Compared> {
  const commits = new Map<string, Compared['commits'][number]>();
  let expected = 0;
  let rewritten = false;
  const values = { ...ownerAndName(repository), basehead: `${old}...${head}` };
  for await (const page of github.pages(compareRoute, values, {}, 'commits')) {
    const { status, total_commits } = read(comparison, page.body, compareRoute);
    expected = total_commits;
    rewritten = status === 'behind' || status === 'diverged';
    for (const item of page.items) {
      const { sha, node_id } = read(comparedCommit, item, compareRoute);
      commits.set(sha, { id: node_id, oid: sha, from: [page] });
    }
  }
  return { rewritten, expected, commits: [...commits.values()] };
}
