/**
 * What each test must say of each resource of Acme's organisation on GitHub
 * (github-acme-world.ts), worked out by hand from what the test means and from the traps.
 */

import { type Acme, pullRequestOf } from './github-acme-world.ts';
import { nodeId, numberOf } from './github-ids.ts';

type Status = 'pass' | 'fail' | 'not_applicable';

/** A status, with the reason where the reason is what matters. */
type Expected = Status | readonly [status: Status, reason: string];

/** By the name of the resource. */
export type ExpectedRows = Record<string, Expected>;

/** The parameters under which it holds; every other one has its default. */
export const acmeGitHubParameters = {
  'chg-approve': {
    bots: ['dependabot'],
    bot_paths: ['package.json', 'package-lock.json'],
    shared_accounts: ['release-team'],
  },
  'chg-conf': { authorised: ['alice'] },
  'chg-direct': { allowed_committers: ['release-bot'] },
  'chg-ticket': { bots: ['dependabot'] },
  'gh-apps': {
    allowed: {
      'code-review': 'contents:read metadata:read pull_requests:write',
      deployer: 'contents:read metadata:read',
    },
  },
  'gh-depend-on': { exempt: ['acme/status'] },
  'gh-keys': { allowed: [nodeId('DK', numberOf('deploy key release'))] },
  'gh-owner': { owners: ['alice'] },
  'gh-prot': { bypass: ['team release'] },
  'gh-secret-on': { exempt: ['acme/status'] },
  'gh-vis': { public: ['acme/status'] },
};

/** By test. */
export function acmeGitHubExpected(acme: Acme): Record<string, ExpectedRows> {
  return {
    ...organization,
    ...repositories,
    ...alerts,
    'chg-approve': approvals(acme),
    'chg-bypass': bypasses(acme),
    'chg-conf': settings,
    'chg-deploy': deployments(acme),
    'chg-direct': production(acme),
    'chg-test': checks(acme),
    'chg-ticket': tickets,
  };
}

const organization: Record<string, ExpectedRows> = {
  // Not required of anybody; the identity provider asks the members.
  'gh-2fa-org': { acme: 'pass' },
  'gh-2fa-user': {
    alice: 'pass',
    bob: 'pass',
    carol: 'pass',
    // Two lists (trap 22).
    dave: ['fail', 'dave (member) has two-factor authentication by text message'],
    erin: ['fail', 'erin (member) has no two-factor authentication'],
    eve: 'pass',
    'release-team': 'pass',
    // The population is everybody (trap 21).
    grace: ['fail', 'grace (outside collaborator) has no two-factor authentication'],
    heidi: 'pass',
    ivan: 'fail',
    'kim@example.com': 'fail',
  },
  'gh-sso': {
    alice: 'pass',
    bob: 'pass',
    carol: 'pass',
    dave: 'fail',
    erin: 'pass',
    eve: 'pass',
    'release-team': 'fail',
    grace: 'not_applicable',
    heidi: 'not_applicable',
    ivan: 'not_applicable',
    'kim@example.com': 'not_applicable',
  },
  'gh-owner': {
    alice: 'pass',
    bob: 'not_applicable',
    carol: 'fail',
    dave: 'not_applicable',
    erin: 'not_applicable',
    eve: 'not_applicable',
    'release-team': 'not_applicable',
    grace: 'not_applicable',
    heidi: 'not_applicable',
    ivan: 'not_applicable',
    // Invited to own the organisation (trap 21).
    'kim@example.com': 'fail',
  },
  'gh-base': { acme: 'pass' },
  // Teams may maintain, people write.
  'gh-repoacc': {
    'acme/api eve': 'pass',
    'acme/api team core': 'pass',
    'acme/infra team operations': 'fail',
    'acme/playground bob': 'fail',
    'acme/playground team core': 'pass',
    'acme/web heidi': 'pass',
    'acme/web team core': 'pass',
    'acme/web team release': 'pass',
  },
  'gh-apps': {
    'code-review': 'pass',
    deployer: 'fail',
    'free-badges': 'fail',
    'old-ci': 'not_applicable',
  },
  'gh-keys': {
    'acme/api mirror': 'pass',
    'acme/api backup': 'fail',
    'acme/api old-ci': 'not_applicable',
    'acme/web release': 'pass',
  },
};

const repositories: Record<string, ExpectedRows> = {
  'gh-vis': {
    'acme/api': 'pass',
    'acme/infra': 'pass',
    'acme/new': 'pass',
    'acme/playground': 'pass',
    'acme/site': 'fail',
    'acme/status': 'pass',
    'acme/web': 'pass',
  },
  'gh-prot': {
    // Those of team release may bypass it, which was approved.
    'acme/api@main': 'pass',
    // Its ruleset is on trial: nothing binds (trap 44).
    'acme/infra@main': 'fail',
    'acme/playground@main': 'fail',
    // Administrators stand outside.
    'acme/site@main': 'fail',
    // Whoever has the role of an administrator may bypass it.
    'acme/status@main': 'fail',
    'acme/web@main': 'pass',
    'acme/web@release/2.1': 'pass',
  },
  'gh-checks': {
    'acme/api@main': 'pass',
    'acme/infra@main': 'fail',
    'acme/playground@main': 'fail',
    'acme/site@main': 'fail',
    'acme/status@main': 'fail',
    'acme/web@main': 'pass',
    // On a head that need not be up to date.
    'acme/web@release/2.1': 'fail',
  },
  'gh-ownersfile': {
    'acme/api': 'pass',
    'acme/infra': 'fail',
    'acme/new': 'not_applicable',
    'acme/playground': 'fail',
    'acme/site': 'fail',
    'acme/status': 'fail',
    'acme/web': 'fail',
  },
  'gh-depend-on': {
    'acme/api': 'pass',
    'acme/infra': 'pass',
    'acme/new': 'pass',
    'acme/playground': 'fail',
    'acme/site': 'pass',
    'acme/status': 'not_applicable',
    'acme/web': 'pass',
  },
  'gh-code-on': {
    'acme/api': 'pass',
    'acme/infra': 'pass',
    'acme/new': 'not_applicable',
    'acme/playground': 'fail',
    'acme/site': 'pass',
    'acme/status': 'pass',
    'acme/web': 'pass',
  },
  'gh-secret-on': {
    'acme/api': 'pass',
    'acme/infra': 'pass',
    'acme/new': 'pass',
    'acme/playground': 'fail',
    'acme/site': 'pass',
    'acme/status': 'not_applicable',
    'acme/web': 'pass',
  },
};

// 30 days for high ones, 7 for critical ones and secrets. Those of archived repositories are out.
const alerts: Record<string, ExpectedRows> = {
  'gh-depend': {
    'acme/api#dependabot-1': 'fail',
    'acme/api#dependabot-2': 'pass',
    'acme/api#dependabot-5': 'not_applicable',
  },
  'gh-code': {
    'acme/api#code-scanning-1': 'fail',
    'acme/api#code-scanning-2': 'pass',
    'acme/api#code-scanning-4': 'not_applicable',
  },
  'gh-secret': { 'acme/api#secret-scanning-1': 'fail', 'acme/api#secret-scanning-2': 'pass' },
  'gh-alerts-closed': {
    'acme/api#code-scanning-3': 'pass',
    'acme/api#dependabot-3': 'pass',
    'acme/api#dependabot-4': 'fail',
    'acme/api#dependabot-6': 'not_applicable',
    'acme/api#secret-scanning-3': 'pass',
  },
};

function approvals(acme: Acme): ExpectedRows {
  /** The head that was merged, and the first one, as reasons write them. */
  const head = (number: number) => pullRequestOf(acme, `acme/api#${number}`).head.slice(0, 7);
  const first = (number: number) =>
    pullRequestOf(acme, `acme/api#${number}`).commits[0]?.slice(0, 7);
  const until = (time: string) => `emergency change, for which an approval counts until ${time}`;
  return {
    // Asked too late to know whether bob might push then (trap 47).
    'acme/api#1': [
      'pass',
      `approved by bob at ${head(1)} (08:50); the right of bob to approve was not told; merged at ${head(1)}`,
    ],
    // Thirty hours after the merge (trap 39).
    'acme/api#2': [
      'fail',
      `approved by bob at ${head(2)} (2026-11-18 16:00), after the merge at 10:00; the right of bob to approve was not told; merged at ${head(2)}; ${until('2026-11-18T10:00:00Z')}`,
    ],
    'acme/api#3': ['pass', `approved by bob at ${head(3)} (10:02); merged at ${head(3)}`],
    // Merged in the period, whenever it was opened (trap 34).
    'acme/api#4': 'pass',
    // A co-author, an author, a committer, somebody who force-pushed (trap 35).
    'acme/api#5': [
      'fail',
      `approved by bob at ${head(5)} (10:40), who took part in it; merged at ${head(5)}`,
    ],
    'acme/api#6': [
      'fail',
      `approved by bob at ${head(6)} (10:50), who took part in it; merged at ${head(6)}`,
    ],
    'acme/api#7': [
      'fail',
      `approved by bob at ${head(7)} (11:00), who took part in it; merged at ${head(7)}`,
    ],
    'acme/api#8': [
      'fail',
      `approved by bob at ${head(8)} (11:10), who took part in it; merged at ${head(8)}`,
    ],
    'acme/api#9': [
      'pass',
      `approved by bob at ${head(9)} (11:20), who took part in it; approved by carol at ${head(9)} (11:20); merged at ${head(9)}`,
    ],
    // No persons (trap 36).
    'acme/api#10': [
      'fail',
      `approved by review-bot at ${head(10)} (11:30), a bot; merged at ${head(10)}`,
    ],
    'acme/api#11': [
      'fail',
      `approved by release-team at ${head(11)} (11:40), a shared account; merged at ${head(11)}`,
    ],
    // Not what was merged (trap 37).
    'acme/api#12': [
      'fail',
      `approved by bob at ${first(12)} (10:02); 2 commits by alice came after; merged at ${head(12)}`,
    ],
    'acme/api#13': [
      'fail',
      `approved by bob at a head that is gone (09:00); 1 commit by alice came after; merged at ${head(13)}`,
    ],
    'acme/api#14': ['pass', `approved by bob at ${head(14)} (11:00); merged at ${head(14)}`],
    // Taken back, never given, given in the end, taken back too late to matter (trap 38).
    'acme/api#15': [
      'fail',
      `dismissed review by bob at ${head(15)} (12:00); merged at ${head(15)}`,
    ],
    'acme/api#16': [
      'fail',
      `changes requested by bob at ${head(16)} (12:10), who had approved; merged at ${head(16)}`,
    ],
    'acme/api#17': ['fail', `no approval, only comments (2); merged at ${head(17)}`],
    'acme/api#18': ['pass', `approved by bob at ${head(18)} (12:10); merged at ${head(18)}`],
    'acme/api#19': ['pass', `approved by bob at ${head(19)} (13:00); merged at ${head(19)}`],
    // In retrospect: without an emergency, and in one (trap 39).
    'acme/api#20': [
      'fail',
      `approved by bob at ${head(20)} (14:00), after the merge at 13:20; merged at ${head(20)}`,
    ],
    'acme/api#21': [
      'pass',
      `approved by bob at ${head(21)} (15:30), after the merge at 13:30; merged at ${head(21)}; ${until('2026-11-19T13:30:00Z')}`,
    ],
    // Bots (trap 43): what it may, beyond that, with a person's commit, one that nobody allowed.
    'acme/api#22': [
      'pass',
      `by the bot dependabot, to its own paths only, which needs no person's approval; no review; merged at ${head(22)}`,
    ],
    'acme/api#23': [
      'fail',
      `by the bot dependabot, beyond its own paths (.github/workflows/build.yaml); no review; merged at ${head(23)}`,
    ],
    'acme/api#24': [
      'fail',
      `by the bot dependabot, with commits by alice; no review; merged at ${head(24)}`,
    ],
    'acme/api#25': [
      'fail',
      `by the bot renovate, which the parameter bots does not name; no review; merged at ${head(25)}`,
    ],
    'acme/api#26': 'pass',
    'acme/api#27': 'pass',
    'acme/api#28': 'pass',
    'acme/api#29': 'pass',
    'acme/api#30': 'pass',
    // She could not push then (trap 47).
    'acme/api#31': [
      'fail',
      `approved by eve at ${head(31)} (15:00), who may not push; merged at ${head(31)}`,
    ],
    // He wrote the 255th commit (trap 48).
    'acme/api#32': [
      'fail',
      `approved by bob at ${head(32)} (15:10), who took part in it; merged at ${head(32)}`,
    ],
    'acme/api#33': 'pass',
    'acme/api#34': [
      'fail',
      `approved by ghost at ${head(34)} (15:30), a deleted account, so that nobody can tell whose; merged at ${head(34)}`,
    ],
    'acme/api#35': ['fail', `no review; merged at ${head(35)}`],
    // There is time left (trap 39).
    'acme/api#36': [
      'fail',
      `no review; merged at ${head(36)}; ${until('2026-11-20T22:00:00Z')}, which is still to come`,
    ],
    'acme/playground#1': 'pass',
    // Rebased, merged, squashed by a queue: by the head that was reviewed (trap 41).
    'acme/web#3': 'pass',
    'acme/web#4': 'pass',
    'acme/web#5': 'pass',
    // Into a release branch (trap 42).
    'acme/web#6': 'pass',
    'acme/web#7': 'fail',
  };
}

function checks(acme: Acme): ExpectedRows {
  const head = (number: number) => pullRequestOf(acme, `acme/api#${number}`).head.slice(0, 7);
  return {
    ...eachChange('pass'),
    // Neither is a success (trap 46).
    'acme/api#26': ['fail', `on ${head(26)}, build: skipped (14:15); merged at 14:20`],
    'acme/api#27': ['fail', `on ${head(27)}, build: neutral (14:25); merged at 14:30`],
    // On an earlier head only, and too late.
    'acme/api#28': ['fail', `on ${head(28)}, build: not run; merged at 14:40`],
    'acme/api#29': [
      'fail',
      `on ${head(29)}, build: success (14:55), after the merge; merged at 14:50`,
    ],
    // It failed at first, and was run again; what is not required may fail.
    'acme/api#30': ['pass', `on ${head(30)}, build: success (14:30); merged at 15:00`],
    // An empty list is not a check.
    'acme/playground#1': ['fail', 'no check is required on main; merged at 09:00'],
  };
}

const tickets: ExpectedRows = {
  ...eachChange(['pass', 'closes acme/api#900']),
  'acme/api#3': ['pass', 'names OPS-7'],
  'acme/api#9': ['fail', 'closes no issue and names no ticket; not taken for one: UTF-8'],
  'acme/api#18': ['pass', 'names OPS-31'],
  // Bots need none, unless somebody else had a part in it (trap 43).
  'acme/api#22': [
    'pass',
    'by the bot dependabot, which needs no ticket; closes no issue and names no ticket',
  ],
  'acme/api#23': [
    'pass',
    'by the bot dependabot, which needs no ticket; closes no issue and names no ticket',
  ],
  'acme/api#24': ['fail', 'closes no issue and names no ticket'],
  'acme/api#25': ['fail', 'closes no issue and names no ticket'],
  'acme/api#35': ['fail', 'closes no issue and names no ticket'],
};

function eachChange(expected: Expected): ExpectedRows {
  const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);
  const names = [
    ...numbers(36).map((number) => `acme/api#${number}`),
    'acme/playground#1',
    ...numbers(5, 3).map((number) => `acme/web#${number}`),
  ];
  return Object.fromEntries(names.map((name) => [name, expected]));
}

function production(acme: Acme): ExpectedRows {
  const { commits } = acme;
  const short = (oid: string) => oid.slice(0, 7);
  // Every commit that a merge put there, whatever its id became (trap 41).
  const merged = Object.keys(eachChange('pass')).flatMap((name) => {
    const [repository] = name.split('#');
    const landed = pullRequestOf(acme, name).merge?.landed ?? [];
    return landed.map((oid): [string, Expected] => [`${repository}@${oid}`, 'pass']);
  });
  return {
    ...Object.fromEntries(merged),
    // Found by starting from the commits alone (trap 40).
    [`acme/api@${commits.pushed}`]: [
      'fail',
      `${short(commits.pushed)} on main by dave, dated 2026-11-18T20:00:00Z, came by no pull request`,
    ],
    [`acme/api@${commits.edited}`]: 'fail',
    [`acme/api@${commits.released}`]: 'pass',
    [`acme/web@${commits.hotfixed}`]: [
      'fail',
      `${short(commits.hotfixed)} on release/2.1 by carol, dated 2026-11-18T11:30:00Z, came by no pull request`,
    ],
    // Its pull request went where nothing ships (trap 42).
    [`acme/web@${commits.promoted}`]: [
      'fail',
      `${short(commits.promoted)} on main by alice, dated 2026-11-18T12:00:00Z, came by no pull request into a branch that ships; 8 has it too`,
    ],
    [`acme/playground@${commits.played}`]: 'fail',
  };
}

function bypasses(acme: Acme): ExpectedRows {
  const merged = (number: number) => {
    const { merge } = pullRequestOf(acme, `acme/api#${number}`);
    return merge?.commit ?? '';
  };
  const { pushed } = acme.commits;
  return {
    // An emergency, approved by somebody else two hours later (trap 39).
    [`acme/api@${merged(21)}`]: [
      'pass',
      `carol pushed ${merged(21).slice(0, 7)} to main past its rules (2026-11-18T13:30:00Z), pull request 21: approved by bob (2026-11-18T15:30:00Z); an approval counts until 2026-11-19T13:30:00Z`,
    ],
    [`acme/api@${merged(35)}`]: [
      'fail',
      `alice pushed ${merged(35).slice(0, 7)} to main past its rules (2026-11-18T15:50:00Z), pull request 35: no approval; an approval counts until 2026-11-19T15:50:00Z`,
    ],
    [`acme/api@${pushed}`]: [
      'fail',
      `dave pushed ${pushed.slice(0, 7)} to main past its rules (2026-11-18T20:00:00Z), no pull request: no approval; an approval counts until 2026-11-19T20:00:00Z`,
    ],
  };
}

function deployments(acme: Acme): ExpectedRows {
  const merged = (name: string) => pullRequestOf(acme, name).merge?.commit;
  return {
    [`acme/api@${merged('acme/api#3')}`]: 'pass',
    [`acme/api@${merged('acme/api#35')}`]: 'fail',
    [`acme/api@${acme.commits.pushed}`]: 'fail',
  };
}

// Who made the change is what counts; nobody is not among those who may.
const settings: ExpectedRows = {
  'acme/web protected_branch.update_required_approving_review_count': 'pass',
  'acme/infra repository_ruleset.destroy': [
    'fail',
    'repository_ruleset.destroy of main in acme/infra by mallory (2026-11-18T14:00:00Z), whom the parameter authorised does not name',
  ],
  'acme org.disable_two_factor_requirement': [
    'fail',
    'org.disable_two_factor_requirement by nobody named (2026-11-19T15:00:00Z), whom the parameter authorised does not name',
  ],
};
