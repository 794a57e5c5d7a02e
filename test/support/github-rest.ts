/**
 * The REST routes of the stand-in, over a world. Whoever lacks a right gets what GitHub documents:
 * an App 403 with its own sentence, a person often 404, since GitHub hides what may not be seen.
 */

import { readAuditPhrase } from './github-audit-phrase.ts';
import { compare, resolve } from './github-commits.ts';
import {
  auditEntry,
  branchProtection,
  branchRules,
  codeScanningAlert,
  commit,
  dependabotAlert,
  givenRepository,
  installation,
  invitation,
  listedRepository,
  listedRuleset,
  organization,
  person,
  ruleSuite,
  ruleset,
  type Shaped,
  secretScanningAlert,
  team,
  wholeRuleSuite,
} from './github-rest-shapes.ts';
import { accountIn, atLeast } from './github-rights.ts';
import { lacksRules, protectionOf, rulesetsOf, rulesFor } from './github-rules.ts';
import type {
  Handle,
  TwoFactor,
  WorldAuditEntry,
  WorldRepository,
  WorldRuleSuite,
} from './github-world.ts';

/** One request to a route. */
export interface RestCall extends Shaped {
  /** What stands in the route's braces. */
  values: Record<string, string>;
  query: URLSearchParams;
  now: Date;
  /** An object of this request alone. */
  request: object;
}

/** What a route answers: a body, or a list that is handed out in pages. */
export type RestResult =
  | { body: unknown }
  | {
      list: unknown[];
      /** The list's key in the body, beside `total_count`. */
      key?: string;
      /** Pages by `page`, or by `before` and `after`. */
      paging?: 'page' | 'cursor';
      /** Makes the body from one page. */
      body?: (page: unknown[], number: number) => unknown;
      /** Entries a page where the request does not say. */
      perPage?: number;
    };

export class RestRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Route {
  route: string;
  /** File in github-openapi/ that answers are held against. */
  schema: string;
  /** Permissions of an App, as `x-accepted-github-permissions` has them. */
  permissions: string;
  answer(call: RestCall): RestResult;
}

const day = 24 * 3600 * 1000;

// --- Refusals ----------------------------------------------------------------------------

const notFound = () => new RestRefusal(404, 'Not Found');

/** An App or fine-grained token without the permission; a person without the right. */
function refused({ rights }: RestCall, person = notFound()): RestRefusal {
  return rights.kind === 'classic' ? person : new RestRefusal(403, rights.refusal);
}

function ofOwners(call: RestCall, permission: string, scopes: string[], level?: 'read' | 'write') {
  const { rights } = call;
  if (!rights.asOwner(permission, level) || !rights.scoped(...scopes)) throw refused(call);
}

/** The repository of the route. @throws RestRefusal where it may not be seen */
function repositoryOf({ world, rights, values }: RestCall): WorldRepository {
  const same = (one: string, other = '') => one.toLowerCase() === other.toLowerCase();
  const repo = same(world.organization.login, values.owner)
    ? world.repositories.find((one) => same(one.name, values.repo) && rights.sees(one))
    : undefined;
  if (repo === undefined) throw notFound();
  if (repo.disabled) throw new RestRefusal(403, 'Repository access blocked');
  return repo;
}

function administered(call: RestCall): WorldRepository {
  const repo = repositoryOf(call);
  if (!call.rights.administers(repo)) throw refused(call);
  return repo;
}

/** Rules come with a paid plan. */
function withRules(call: RestCall, repo: WorldRepository): void {
  if (!lacksRules(call.world, repo)) return;
  const message = 'Upgrade to GitHub Pro or make this repository public to enable this feature.';
  throw new RestRefusal(403, message);
}

// --- People ------------------------------------------------------------------------------

function peopleList(
  call: RestCall,
  people: { handle: Handle; twoFactor: TwoFactor }[],
): RestResult {
  const { query, rights } = call;
  const filter = query.get('filter') ?? 'all';
  if (filter !== 'all') {
    if (!rights.owner || !rights.may('members') || !rights.scoped('read:org')) {
      throw new RestRefusal(422, 'Only owners can use this filter.');
    }
  }
  const wanted = people.filter(
    ({ twoFactor }) => filter === 'all' || filter === `2fa_${twoFactor}`,
  );
  return { list: wanted.map(({ handle }) => person(call, handle)) };
}

const people: Route[] = [
  {
    route: 'GET /orgs/{org}/members',
    schema: 'members',
    permissions: 'members=read',
    answer: (call) => {
      const { world, rights, query } = call;
      const role = query.get('role') ?? 'all';
      const members = world.organization.members.filter(
        (one) => role === 'all' || one.role === role,
      );
      const sees =
        rights.kind === 'app' ? rights.may('members') : rights.member && rights.may('members');
      // Others are told public members only; here nobody is one.
      return peopleList(call, sees ? members : []);
    },
  },
  {
    route: 'GET /orgs/{org}/outside_collaborators',
    schema: 'outside-collaborators',
    permissions: 'members=read',
    answer: (call) => {
      const { world, rights, query } = call;
      // What somebody without the right is told is not documented; a filter is refused first.
      if (!query.has('filter') && !rights.asOwner('members')) throw refused(call);
      return peopleList(call, world.organization.outsideCollaborators);
    },
  },
  {
    route: 'GET /orgs/{org}/invitations',
    schema: 'invitations',
    permissions: 'members=read',
    answer: (call) => {
      ofOwners(call, 'members', ['admin:org']);
      const { invitations } = call.world.organization;
      return { list: invitations.map((one) => invitation(call, one)) };
    },
  },
  {
    route: 'GET /orgs/{org}/teams',
    schema: 'teams',
    permissions: 'members=read',
    answer: (call) => {
      const { world, rights } = call;
      if (!rights.may('members')) throw refused(call);
      if (rights.kind === 'classic' && !rights.scoped('read:org')) throw refused(call);
      const teams = world.organization.teams.filter(
        ({ privacy, members }) =>
          privacy === 'closed' ||
          rights.owner ||
          rights.kind === 'app' ||
          members.some(({ handle }) => handle === rights.handle),
      );
      return { list: teams.map((one) => team(call, one)) };
    },
  },
];

// --- Organisation ------------------------------------------------------------------------

const organizations: Route[] = [
  {
    route: 'GET /orgs/{org}',
    schema: 'organization',
    permissions: 'organization_administration=read',
    answer: (call) => ({ body: organization(call) }),
  },
  {
    route: 'GET /orgs/{org}/installations',
    schema: 'installations',
    permissions: 'organization_administration=read',
    answer: (call) => {
      ofOwners(call, 'organization_administration', ['read:org']);
      const { installations } = call.world.organization;
      return { list: installations.map((one) => installation(call, one)), key: 'installations' };
    },
  },
  {
    route: 'GET /orgs/{org}/repos',
    schema: 'repositories',
    permissions: 'metadata=read',
    answer: (call) => {
      const repos = call.world.repositories.filter(call.rights.sees);
      return { list: repos.map((repo) => listedRepository(call, repo)) };
    },
  },
  {
    route: 'GET /installation/repositories',
    schema: 'installation-repositories',
    permissions: 'metadata=read',
    answer: (call) => {
      const { viewer, repositories } = call.world;
      if (viewer.kind !== 'app') {
        const message = 'You must authenticate with an installation access token';
        throw new RestRefusal(403, `${message} in order to list repositories for an installation.`);
      }
      const given = viewer.repositories;
      const repos = repositories.filter(({ name }) => given === 'all' || given.includes(name));
      return {
        list: repos.map((repo) => givenRepository(call, repo)),
        body: (page) => ({
          total_count: repos.length,
          repository_selection: given === 'all' ? 'all' : 'selected',
          repositories: page,
        }),
      };
    },
  },
  {
    route: 'GET /orgs/{org}/rulesets',
    schema: 'rulesets',
    permissions: 'organization_administration=write',
    answer: (call) => {
      ofOwners(call, 'organization_administration', ['admin:org'], 'write');
      const { rulesets } = call.world.organization;
      return { list: rulesets.map((one) => listedRuleset(call, { ruleset: one, repo: null })) };
    },
  },
  {
    route: 'GET /orgs/{org}/rulesets/rule-suites',
    schema: 'rule-suites',
    permissions: 'organization_administration=write',
    answer: (call) => {
      ofOwners(call, 'organization_administration', ['admin:org'], 'write');
      const suites = ruleSuitesFor(call);
      return { list: suites.map(({ repo, suite }) => ruleSuite(call, repo, suite)) };
    },
  },
  {
    route: 'GET /orgs/{org}/rulesets/rule-suites/{rule_suite_id}',
    schema: 'rule-suite',
    permissions: 'organization_administration=write',
    answer: (call) => {
      ofOwners(call, 'organization_administration', ['admin:org'], 'write');
      const wanted = Number(call.values.rule_suite_id);
      const found = allRuleSuites(call).find(({ suite }) => suite.id === wanted);
      if (found === undefined) throw notFound();
      return { body: wholeRuleSuite(call, found.repo, found.suite) };
    },
  },
  {
    route: 'GET /orgs/{org}/rulesets/{ruleset_id}',
    schema: 'ruleset',
    permissions: 'organization_administration=write',
    answer: (call) => {
      ofOwners(call, 'organization_administration', ['admin:org'], 'write');
      const { rulesets } = call.world.organization;
      const found = rulesets.find(({ id }) => id === Number(call.values.ruleset_id));
      if (found === undefined) throw notFound();
      return { body: ruleset(call, { ruleset: found, repo: null }, true) };
    },
  },
  {
    route: 'GET /orgs/{org}/audit-log',
    schema: 'audit-log',
    permissions: 'organization_administration=read',
    answer: (call) => {
      // Only organisations of an enterprise have the audit log's API at all.
      if (call.world.organization.plan !== 'enterprise') throw notFound();
      ofOwners(call, 'organization_administration', ['read:audit_log', 'admin:org']);
      const entries = auditEntriesFor(call);
      return { list: entries.map((one) => auditEntry(call, one)), paging: 'cursor' };
    },
  },
];

/** GitHub keeps rule suites for about a month. */
function allRuleSuites({ world, now }: RestCall) {
  const earliest = now.getTime() - 31 * day;
  return world.repositories.flatMap((repo) =>
    repo.ruleSuites
      .filter(({ pushedAt }) => Date.parse(pushedAt) >= earliest)
      .map((suite) => ({ repo, suite })),
  );
}

function ruleSuitesFor(call: RestCall): { repo: WorldRepository; suite: WorldRuleSuite }[] {
  const { query, now, world } = call;
  const periods: Record<string, number> = {
    hour: day / 24,
    day,
    week: 7 * day,
    month: 31 * day,
  };
  const earliest = now.getTime() - (periods[query.get('time_period') ?? 'day'] ?? day);
  const result = query.get('rule_suite_result') ?? 'all';
  const name = query.get('repository_name');
  const actor = query.get('actor_name');
  return allRuleSuites(call)
    .filter(
      ({ repo, suite }) =>
        Date.parse(suite.pushedAt) >= earliest &&
        (result === 'all' || suite.result === result) &&
        (name === null || repo.name === name) &&
        (actor === null || (suite.actor !== null && accountIn(world, suite.actor).login === actor)),
    )
    .sort((one, other) => (one.suite.pushedAt < other.suite.pushedAt ? 1 : -1));
}

/** Kept for 180 days, Git's own events for seven; without `created`, the last three months. */
function auditEntriesFor({ query, now, world }: RestCall): WorldAuditEntry[] {
  const include = query.get('include') ?? 'web';
  const { fits, created } = readAuditPhrase(query.get('phrase') ?? '', world);
  const entries = world.organization.auditLog.filter((entry) => {
    const git = entry.action.startsWith('git.');
    const age = now.getTime() - Date.parse(entry.at);
    return (
      age >= 0 &&
      age <= (git ? 7 : created ? 180 : 92) * day &&
      (include === 'all' || git === (include === 'git')) &&
      fits(entry)
    );
  });
  const sign = query.get('order') === 'asc' ? 1 : -1;
  return entries.sort((one, other) =>
    one.at === other.at ? (one.id < other.id ? -1 : 1) : one.at < other.at ? -sign : sign,
  );
}

// --- Alerts ------------------------------------------------------------------------------

interface AnyAlert {
  number: number;
  state: string;
  createdAt: string;
  updatedAt: string;
}

/** Alerts of every repository that has the feature; others are left out without a word. */
function alertsFor<Alert extends AnyAlert>(
  { query, world, rights }: RestCall,
  of: (repo: WorldRepository) => Alert[],
): { repo: WorldRepository; alert: Alert }[] {
  const states = query.get('state')?.split(',');
  const sort = query.get('sort') ?? 'created';
  if (sort !== 'created' && sort !== 'updated') throw new Error(`no order by ${sort} here`);
  const key = ({ alert }: { alert: Alert }) =>
    sort === 'updated' ? alert.updatedAt : alert.createdAt;
  const sign = query.get('direction') === 'asc' ? 1 : -1;
  const closed = (state: string) => state === 'fixed' || state === 'dismissed';
  return world.repositories
    .filter(rights.sees)
    .flatMap((repo) => of(repo).map((alert) => ({ repo, alert })))
    .filter(
      ({ alert }) =>
        states === undefined ||
        states.includes(alert.state) ||
        (states.includes('closed') && closed(alert.state)),
    )
    .sort((one, other) => {
      const [left, right] = [key(one), key(other)];
      return left === right ? 0 : left < right ? -sign : sign;
    });
}

const alerts: Route[] = [
  {
    route: 'GET /orgs/{org}/dependabot/alerts',
    schema: 'dependabot-alerts',
    permissions: 'vulnerability_alerts=read',
    answer: (call) => {
      alertRight(call, 'vulnerability_alerts', 'You are not authorized to perform this operation.');
      const found = alertsFor(call, (repo) =>
        repo.vulnerabilityAlerts ? repo.dependabotAlerts : [],
      );
      const list = found.map(({ repo, alert }) => dependabotAlert(call, repo, alert));
      return { list, paging: 'cursor' };
    },
  },
  {
    route: 'GET /orgs/{org}/code-scanning/alerts',
    schema: 'code-scanning-alerts',
    permissions: 'security_events=read',
    answer: (call) => {
      alertRight(call, 'security_events', 'You are not authorized to read code scanning alerts.');
      const found = alertsFor(call, (repo) =>
        repo.codeScanning === 'unavailable' ? [] : repo.codeScanningAlerts,
      );
      const list = found.map(({ repo, alert }) => codeScanningAlert(call, repo, alert));
      return { list, paging: 'cursor' };
    },
  },
  {
    route: 'GET /orgs/{org}/secret-scanning/alerts',
    schema: 'secret-scanning-alerts',
    permissions: 'secret_scanning_alerts=read',
    answer: (call) => {
      ofOwners(call, 'secret_scanning_alerts', ['security_events']);
      const hidden = call.query.get('hide_secret') === 'true';
      const found = alertsFor(call, (repo) =>
        repo.security.secret_scanning === 'enabled' ? repo.secretScanningAlerts : [],
      );
      const list = found.map(({ repo, alert }) => secretScanningAlert(call, repo, alert, hidden));
      return { list, paging: 'cursor' };
    },
  },
];

function alertRight(call: RestCall, permission: string, message: string): void {
  const { rights } = call;
  if (rights.asOwner(permission) && rights.scoped('security_events')) return;
  throw refused(call, new RestRefusal(403, message));
}

// --- Repositories ------------------------------------------------------------------------

const noAdvancedSecurity =
  'Advanced Security must be enabled for this repository to use code scanning.';

function analysis({ world, api }: RestCall, repo: WorldRepository, tool: string, index: number) {
  const id = repo.databaseId + index;
  const path = `${world.organization.login}/${repo.name}`;
  return {
    id,
    ref: `refs/heads/${repo.defaultBranch}`,
    commit_sha: repo.branches[repo.defaultBranch] ?? '0'.repeat(40),
    analysis_key: `.github/workflows/${tool.toLowerCase()}.yml:analyze`,
    environment: '{}',
    error: '',
    warning: '',
    created_at: repo.updatedAt,
    results_count: repo.codeScanningAlerts.filter((alert) => alert.tool === tool).length,
    rules_count: 0,
    url: `${api}/repos/${path}/code-scanning/analyses/${id}`,
    sarif_id: `${id}`,
    tool: { name: tool, guid: null, version: null },
    deletable: true,
  };
}

const repositories: Route[] = [
  {
    route: 'GET /repos/{owner}/{repo}/branches/{branch}/protection',
    schema: 'branch-protection',
    permissions: 'administration=read',
    answer: (call) => {
      const repo = repositoryOf(call);
      withRules(call, repo);
      if (!call.rights.administers(repo)) throw refused(call);
      const branch = call.values.branch ?? '';
      if (repo.branches[branch] === undefined) throw new RestRefusal(404, 'Branch not found');
      const rule = protectionOf(call.world, repo, branch);
      if (rule === undefined) throw new RestRefusal(404, 'Branch not protected');
      return { body: branchProtection(call, repo, branch, rule) };
    },
  },
  {
    route: 'GET /repos/{owner}/{repo}/rules/branches/{branch}',
    schema: 'branch-rules',
    permissions: 'metadata=read',
    answer: (call) => {
      const repo = repositoryOf(call);
      withRules(call, repo);
      const placed = rulesFor(call.world, repo, call.values.branch ?? '');
      return { list: placed.flatMap((one) => branchRules(call, one)) };
    },
  },
  {
    route: 'GET /repos/{owner}/{repo}/rulesets/{ruleset_id}',
    schema: 'repository-ruleset',
    permissions: 'metadata=read',
    answer: (call) => {
      const { world, rights, values, query } = call;
      const repo = repositoryOf(call);
      withRules(call, repo);
      const placed = rulesetsOf(world, repo, query.get('includes_parents') !== 'false');
      const found = placed.find((one) => one.ruleset.id === Number(values.ruleset_id));
      if (found === undefined) throw notFound();
      const writes =
        found.repo === null
          ? rights.asOwner('organization_administration', 'write')
          : rights.administers(repo, 'write');
      return { body: ruleset(call, found, writes) };
    },
  },
  {
    route: 'GET /repos/{owner}/{repo}/keys',
    schema: 'deploy-keys',
    permissions: 'administration=read',
    answer: (call) => {
      const repo = administered(call);
      const path = `${call.world.organization.login}/${repo.name}`;
      const list = repo.deployKeys.map((key) => ({
        id: key.id,
        key: `ssh-ed25519 AAAA${key.id}`,
        url: `${call.api}/repos/${path}/keys/${key.id}`,
        title: key.title,
        verified: true,
        created_at: key.createdAt,
        read_only: key.readOnly,
        added_by: key.addedBy === null ? null : accountIn(call.world, key.addedBy).login,
        last_used: null,
        enabled: key.enabled,
      }));
      return { list };
    },
  },
  {
    route: 'GET /repos/{owner}/{repo}/compare/{basehead}',
    schema: 'comparison',
    permissions: 'contents=read',
    answer: (call) => compareRefs(call),
  },
  {
    route: 'GET /repos/{owner}/{repo}/code-scanning/analyses',
    schema: 'code-scanning-analyses',
    permissions: 'security_events=read',
    answer: (call) => {
      const { rights } = call;
      const repo = repositoryOf(call);
      const writes = rights.kind === 'app' || atLeast(rights.permission(repo), 'write');
      if (!writes || !rights.may('security_events') || !rights.scoped('security_events')) {
        throw refused(call);
      }
      if (repo.codeScanning === 'unavailable') throw new RestRefusal(403, noAdvancedSecurity);
      // Whatever made an alert made an analysis; the default setup makes one at once.
      const tools = new Set(repo.codeScanningAlerts.map(({ tool }) => tool));
      if (repo.codeScanning === 'configured') tools.add('CodeQL');
      if (tools.size === 0) throw new RestRefusal(404, 'no analysis found');
      return { list: [...tools].map((tool, index) => analysis(call, repo, tool, index)) };
    },
  },
  {
    route: 'GET /repos/{owner}/{repo}/code-scanning/default-setup',
    schema: 'default-setup',
    permissions: 'administration=read',
    answer: (call) => {
      const { codeScanning } = administered(call);
      if (codeScanning === 'unavailable') {
        throw new RestRefusal(403, noAdvancedSecurity);
      }
      const body = {
        state: codeScanning,
        languages: codeScanning === 'configured' ? ['javascript-typescript'] : [],
        query_suite: 'default',
        updated_at: null,
        schedule: codeScanning === 'configured' ? 'weekly' : null,
      };
      return { body };
    },
  },
];

function compareRefs(call: RestCall): RestResult {
  const { world, api, values, request, query } = call;
  const repo = repositoryOf(call);
  if (!call.rights.may('contents')) throw refused(call);
  const [baseName = '', headName = ''] = (values.basehead ?? '').split('...');
  const base = resolve(repo, baseName);
  const head = resolve(repo, headName);
  if (base === undefined || head === undefined) throw notFound();
  const compared = compare(repo, base.oid, head.oid, request);
  if (compared === undefined) {
    throw new RestRefusal(404, `No common ancestor between ${baseName} and ${headName}.`);
  }
  const shaped = (oid: string) => {
    const one = repo.commits.get(oid);
    if (one === undefined) throw new Error(`${repo.name} lost ${oid}`);
    return commit(call, repo, one);
  };
  const path = `${world.organization.login}/${repo.name}`;
  const html = `https://github.com/${path}/compare/${baseName}...${headName}`;
  return {
    list: compared.ahead,
    // Without a page asked for, GitHub gives 250 commits at most.
    perPage: query.has('page') || query.has('per_page') ? 30 : 250,
    body: (page, number) => ({
      url: `${api}/repos/${path}/compare/${baseName}...${headName}`,
      html_url: html,
      permalink_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      base_commit: shaped(base.oid),
      merge_base_commit: shaped(compared.mergeBase),
      status: compared.status,
      ahead_by: compared.ahead.length,
      behind_by: compared.behind,
      total_commits: compared.ahead.length,
      commits: (page as string[]).map(shaped),
      // Files stand on the first page alone.
      ...(number === 1 ? { files: [] } : {}),
    }),
  };
}

/** Every route; the more special before the more general. */
export const routes: Route[] = [...people, ...organizations, ...alerts, ...repositories];
