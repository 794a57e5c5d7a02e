import { type Answer, defineEvents, type GitHubContext, z } from '../../../src/plugin.ts';
import { reachDays } from '../../reach-days.ts';
import { sinceEarliest } from '../changes/lists.ts';
import type { GitHubScope } from '../scope.ts';
import { fitsOne, read } from '../values.ts';
import { withinReach } from './reach.ts';
import { settingsChange } from './schema.ts';

const route = 'GET /orgs/{org}/audit-log';

/**
 * What is asked for: categories, or single actions of those that hold much else. One call each:
 * GitHub does not document what several in one phrase mean, and a misunderstanding would look
 * like a quiet night.
 */
const asked = [
  'environment',
  'org.disable_oauth_app_restrictions',
  'org.disable_saml',
  'org.disable_two_factor_requirement',
  'org.enable_oauth_app_restrictions',
  'org.enable_saml',
  'org.enable_two_factor_requirement',
  'org.update_default_repository_permission',
  'org.update_member_repository_creation_permission',
  'org.update_saml_provider_settings',
  'protected_branch',
  'repo.access',
  'repository_branch_protection_evaluation',
  'repository_ruleset',
];

/** Of those categories, what is no change of a setting; of environments only their protection. */
function isSetting(action: string): boolean {
  if (
    ['protected_branch.policy_override', 'protected_branch.rejected_ref_update'].includes(action)
  ) {
    return false;
  }
  return !action.startsWith('environment.') || action.endsWith('_protection_rule');
}

const text = z.string().nullish();
const entry = z.looseObject({
  _document_id: z.string().min(1),
  '@timestamp': z.int(),
  /** When it happened, in milliseconds; `@timestamp` is when it was written down. */
  created_at: z.int().optional(),
  action: z.string(),
  actor: text,
  repo: text,
  name: text,
  ruleset_name: text,
  environment_name: text,
});
type Entry = z.output<typeof entry>;

const keptForDays = reachDays['github.settings_changes'];

export const settingsChanges = defineEvents<GitHubScope, typeof settingsChange>({
  name: 'github.settings_changes',
  version: 1,
  kind: 'events',
  when: 'at',
  reachDays: keptForDays,
  level: 'audit_log',
  title: 'Changes of protection, rulesets and sign-in settings, from the audit log',
  fields: settingsChange,
  calls: { [route]: 'organization_administration:read' },
  async collect(github) {
    const kept = withinReach(github, keptForDays, 'GitHub keeps its audit log for 180 days');
    if (kept === undefined) return;
    const { start, end } = kept;
    const entries = await sinceEarliest(github, 'audit log', start, (shared, since) =>
      listEntries(shared, github.organization, since),
    );
    let leftOut = 0;
    for (const { told, page } of entries) {
      const at = new Date(told.created_at ?? told['@timestamp']);
      if (at < start || at >= end) continue;
      if (!isAsked(github, told.repo)) {
        leftOut += 1;
        continue;
      }
      github.emit({
        uid: told._document_id,
        name: `${told.repo || github.organization} ${told.action}`,
        fields: {
          action: told.action,
          actor: told.actor || null,
          at: at.toISOString(),
          repository: told.repo || null,
          subject: told.name || told.ruleset_name || told.environment_name || null,
        },
        original: told,
        from: [page],
      });
    }
    if (leftOut > 0) {
      github.note(
        'LeftOut',
        `${leftOut} ${leftOut === 1 ? 'change' : 'changes'} of settings in repositories that are not asked`,
      );
    }
  },
});

/** By its name only: a repository that is gone by now had settings too. */
function isAsked({ config }: GitHubScope, repository: string | null | undefined): boolean {
  if (!repository) return true;
  const { include, exclude } = config.repositories;
  const name = repository.slice(repository.indexOf('/') + 1);
  return fitsOne(name, include) && !fitsOne(name, exclude);
}

async function listEntries(
  github: GitHubContext,
  organization: string,
  since: Date,
): Promise<{ told: Entry; page: Answer }[]> {
  const entries = new Map<string, { told: Entry; page: Answer }>();
  const day = since.toISOString().slice(0, 10);
  for (const action of asked) {
    const phrase = `action:${action} created:>=${day}`;
    const query = { phrase, include: 'web', order: 'asc' };
    for await (const page of github.pages(route, { org: organization }, query)) {
      for (const item of page.items) {
        const told = read(entry, item, route);
        if (isSetting(told.action)) entries.set(told._document_id, { told, page });
      }
    }
  }
  return [...entries.values()];
}
