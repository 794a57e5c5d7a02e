/** Whether there may be repositories that who asks does not see. */
import { z } from '../../../src/plugin.ts';
import { organizationSettings, settingsCalls } from '../organization/index.ts';
import type { GitHubScope } from '../scope.ts';
import { read, refusal } from '../values.ts';

const installationRoute = 'GET /installation/repositories';

/** Calls of whoever asks whether the list of repositories is whole. */
export const unseenCalls = { ...settingsCalls, [installationRoute]: 'metadata:read' };

const installation = z.object({ repository_selection: z.string().optional() });

/**
 * Why the list may not be whole; undefined where it is. GitHub lists and counts only what the
 * token may see, so that the list proves nothing about itself.
 *
 * @param seen how many repositories are listed
 */
export async function whyUnseen(github: GitHubScope, seen: number): Promise<string | undefined> {
  // An App may do to the organisation as much as an owner, and yet see a few repositories only.
  if (github.isApp) return (await reachesAll(github)) ? undefined : unseen(`${seen}`);
  const counted = await countOfAll(github);
  if (counted === undefined) return github.canAdminister ? undefined : unseen(`${seen}`);
  // An owner's token may be for some repositories only, which GitHub's count then shows.
  const isWhole = github.canAdminister ? seen >= counted : seen === counted;
  return isWhole ? undefined : unseen(`${seen}; GitHub counts ${counted}`);
}

function unseen(how: string): string {
  return `only the repositories that the token was given are seen (${how}); use an owner's token that is for all repositories, or a GitHub App that is installed on all of them`;
}

/** Whether an App is installed on all repositories, as it is told itself. */
async function reachesAll(github: GitHubScope): Promise<boolean> {
  const { body } = await unlessRefused(() => github.get(installationRoute, {}, { per_page: '1' }));
  if (body === undefined) return false;
  const told = read(installation, body, 'the list of the repositories of the App');
  return told.repository_selection === 'all';
}

/** GitHub's own count of all, which it owes to owners only; internal ones are among the private. */
async function countOfAll(github: GitHubScope): Promise<number | undefined> {
  const { settings } = await unlessRefused(() => organizationSettings(github));
  const { public_repos: open, total_private_repos: closed } = settings ?? {};
  if (typeof open !== 'number' || typeof closed !== 'number') return undefined;
  return open + closed;
}

async function unlessRefused<Value extends object>(
  ask: () => Promise<Value>,
): Promise<Partial<Value>> {
  try {
    return await ask();
  } catch (thrown) {
    refusal(thrown);
    return {};
  }
}
