/** From what applies to a branch to the fields of its record. Pure. */
import type { z } from '../../../src/plugin.ts';
import { type Told, toldFields } from '../values.ts';
import { type Source, settingsOf } from './branches.ts';
import type { Around } from './bypass.ts';
import { exemptsAdministrators } from './rules.ts';
import type { branchRules } from './schema.ts';

/** What stands in every record of `github.branch_rules`, whatever was told. */
type Known = 'repository' | 'repository_id' | 'branch';
type BranchRules = Required<Omit<z.input<typeof branchRules>, Known>>;

/** The fields of a branch: the strictest of all that applies, and who may go around any of it. */
export function branchFields(
  sources: readonly Source[],
  around: readonly Around[],
): ReturnType<typeof toldFields<BranchRules>> {
  const settings = settingsOf(sources);
  return toldFields<BranchRules>({
    protected: { told: sources.length > 0 },
    sources: { told: sources.map(({ name }) => name).sort() },
    pull_request_required: { told: settings.pullRequest },
    approvals: { told: settings.approvals },
    stale_dismissed: { told: settings.staleDismissed },
    last_push_approval: { told: settings.lastPushApproval },
    code_owners_required: { told: settings.codeOwners },
    required_checks: { told: settings.checks },
    strict_checks: { told: settings.strict },
    force_push_blocked: { told: settings.forcePushBlocked },
    deletion_blocked: { told: settings.deletionBlocked },
    admins_bound: adminsBound(sources, around),
    bypass: allBypasses(around),
  });
}

function untoldOf(around: readonly Around[]): { untold: string } | undefined {
  return around.find((one) => 'untold' in one);
}

function allBypasses(around: readonly Around[]): Told<BranchRules['bypass']> {
  const actors = around.flatMap((one) => ('actors' in one ? one.actors : []));
  const key = ({ actor, mode, by }: (typeof actors)[number]) => `${actor}\n${mode}\n${by}`;
  return untoldOf(around) ?? { told: actors.sort((a, b) => (key(a) < key(b) ? -1 : 1)) };
}

/** One of the sources is enough to bind administrators; what is hidden could be that one. */
function adminsBound(sources: readonly Source[], around: readonly Around[]): Told<boolean> {
  const binds = sources.some((source, index) => {
    if (source.kind === 'classic') return source.adminsBound;
    const actors = around[index];
    return actors !== undefined && 'actors' in actors && !exemptsAdministrators(actors.actors);
  });
  if (binds) return { told: true };
  const hidden = around.filter((_, index) => sources[index]?.kind === 'ruleset');
  return untoldOf(hidden) ?? { told: false };
}
