import {
  type Answer,
  CallError,
  CollectError,
  type Collector,
  defineDataset,
  defineEvents,
  type EventsContext,
  type GitHubContext,
  type Json,
  type z,
} from '../../../src/plugin.ts';
import {
  listCalls,
  type Repository,
  repositoriesInScope,
  repositoryListing,
} from '../repositories/listing.ts';
import type { GitHubScope, Sayings } from '../scope.ts';
import { read } from '../values.ts';
import {
  type AlertKind,
  type AnyAlert,
  codeScanning,
  dependabot,
  secretScanning,
} from './kinds.ts';
import * as schema from './schema.ts';

const common = { version: 1, level: 'organization' } as const;

interface ListedAlert<Alert> {
  alert: Alert;
  /** GitHub's own object, without the secret that one of them is about. */
  original: Json;
  page: Answer;
}

/**
 * Alerts of one kind, each once: one that changes while the list is read stands in it twice.
 * @param since what changed last before it is left out; for lists with the newest change first.
 */
async function* listAlerts<Alert extends AnyAlert>(
  github: GitHubContext,
  organization: string,
  kind: AlertKind<Alert>,
  queries: Record<string, string>[],
  since?: Date,
): AsyncGenerator<ListedAlert<Alert>> {
  const seen = new Set<string>();
  for (const query of queries) {
    pages: for await (const page of github.pages(kind.route, { org: organization }, query)) {
      for (const item of page.items) {
        const alert = read(kind.answer, item, `one of the ${kind.title}`);
        const { updated_at, repository, number } = alert;
        if (since && updated_at && new Date(updated_at) < since) break pages;
        const id = `${repository.node_id} ${number}`;
        if (seen.has(id)) continue;
        seen.add(id);
        yield { alert, original: withoutSecret(item), page };
      }
    }
  }
}

function withoutSecret(item: Json): Json {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return item;
  const { secret: _secret, ...rest } = item;
  return rest;
}

/** What GitHub says where a feature is switched off or the plan does not have it. */
const saidOfFeatures =
  /must be enabled|\b(?:is|are) (?:disabled|not enabled|not available)|no analysis found|upgrade to/i;

function isWithoutFeature(thrown: unknown): thrown is CallError {
  return (
    thrown instanceof CallError &&
    (thrown.status === 403 || thrown.status === 404) &&
    saidOfFeatures.test(thrown.error)
  );
}

/** Which alerts are of repositories in scope; those that are not are counted. */
async function openScope(github: GitHubScope & Sayings) {
  const inScope = byIdAndName(await repositoriesInScope(github));
  const { leftOut } = await repositoryListing(github);
  const outside = byIdAndName([...leftOut].map(([id, { name }]) => ({ id, name })));
  const named = new Set<string>();
  const known = new Set<string>();
  const counts = new Map<string, number>();
  return {
    /** The repository of an alert; undefined where it is out of scope. */
    find({ repository }: AnyAlert): RepositoryName | undefined {
      const { node_id, full_name } = repository;
      const found = inScope(node_id, full_name);
      const other = outside(node_id, full_name);
      named.add(node_id);
      if (found || other) known.add(node_id);
      if (!found) counts.set(full_name, (counts.get(full_name) ?? 0) + 1);
      return found;
    },
    close(): void {
      const by = 'repositories that the alerts are of, held against the list of repositories';
      github.tieOut({ by, expected: named.size, found: known.size });
      if (counts.size === 0) return;
      const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
      const said = sorted.map(([name, count]) => `${name} ${count}`).join(', ');
      github.note('LeftOut', `alerts of repositories that are out of scope are left out: ${said}`);
    },
  };
}

type RepositoryName = Pick<Repository, 'id' | 'name'>;

/**
 * Node ids have an old form and a new one, and REST and GraphQL need not give the same. A name is
 * one repository's only, at one time.
 */
function byIdAndName(repositories: readonly RepositoryName[]) {
  const ids = new Map(repositories.map((repository) => [repository.id, repository]));
  const names = new Map(repositories.map((repository) => [repository.name, repository]));
  return (id: string, name: string) => ids.get(id) ?? names.get(name);
}

/** What every record of an alert says, whether it is open or closed. */
function recordOf<Alert extends AnyAlert>(
  { slug, about }: AlertKind<Alert>,
  { alert, original, page }: ListedAlert<Alert>,
  repository: RepositoryName,
) {
  const own = `#${slug}-${alert.number}`;
  return {
    uid: repository.id + own,
    name: repository.name + own,
    fields: {
      repository: repository.name,
      number: alert.number,
      ...about(alert),
      opened_at: alert.created_at,
    },
    original,
    from: [page],
  };
}

/** The dataset of one kind's open alerts. */
function openAlerts<Alert extends AnyAlert>(kind: AlertKind<Alert>, fields: z.ZodObject) {
  return defineDataset<GitHubScope, z.ZodObject>({
    ...common,
    name: `github.${kind.kind}_alerts`,
    kind: 'snapshot',
    title: `Open ${kind.title}`,
    fields,
    calls: { ...listCalls, [kind.route]: kind.permission },
    async collect(github) {
      const scope = await openScope(github);
      try {
        for await (const listed of listAlerts(github, github.organization, kind, kind.open)) {
          const repository = scope.find(listed.alert);
          if (repository === undefined) continue;
          const record = recordOf(kind, listed, repository);
          github.emit({ ...record, fields: { ...record.fields, ...kind.own(listed.alert) } });
        }
      } catch (thrown) {
        if (!isWithoutFeature(thrown)) throw thrown;
        throw new CollectError(
          'ServiceError',
          `GitHub has no list of ${kind.title} for ${github.organization} ("${thrown.error}"), which does not mean that there is nothing to find; switch the feature on`,
          { cause: thrown },
        );
      }
      scope.close();
    },
  });
}

type ClosedContext = GitHubScope & EventsContext<z.input<typeof schema.closedAlert>>;

/**
 * What was closed since the interval's start. The pieces of one run share one reading, the first
 * piece's, which goes back furthest; a piece that asks for more than it holds reads for itself.
 */
async function listClosed<Alert extends AnyAlert>(
  github: ClosedContext,
  kind: AlertKind<Alert>,
): Promise<ListedAlert<Alert>[]> {
  const { organization, interval } = github;
  const readSince = async (context: GitHubContext) => {
    const until = github.now();
    const alerts: ListedAlert<Alert>[] = [];
    const list = listAlerts(context, organization, kind, kind.closed, interval.start);
    for await (const listed of list) alerts.push(listed);
    return { since: interval.start, until, alerts };
  };
  const shared = await github.once(`closed ${kind.title}`, readSince);
  const holds = shared.since <= interval.start && interval.end <= shared.until;
  return (holds ? shared : await readSince(github)).alerts;
}

/** Hands over what was closed of one kind in the interval. */
async function collectClosed<Alert extends AnyAlert>(
  github: ClosedContext,
  scope: Awaited<ReturnType<typeof openScope>>,
  kind: AlertKind<Alert>,
): Promise<void> {
  const { start, end } = github.interval;
  let alerts: ListedAlert<Alert>[];
  try {
    alerts = await listClosed(github, kind);
  } catch (thrown) {
    if (!isWithoutFeature(thrown)) throw thrown;
    const why = `GitHub has no list of them for ${github.organization} ("${thrown.error}")`;
    github.note('LeftOut', `closed ${kind.title} are left out, since ${why}`);
    return;
  }
  for (const listed of alerts) {
    const { at, ...closing } = kind.closing(listed.alert);
    if (!at) {
      const { number, repository } = listed.alert;
      throw new CollectError(
        'UnreadableResponse',
        `GitHub does not say when number ${number} of the ${kind.title} of ${repository.full_name} was closed; look at the alert, and report it with --record`,
      );
    }
    const closedAt = new Date(at);
    if (closedAt < start || closedAt >= end) continue;
    const repository = scope.find(listed.alert);
    if (repository === undefined) continue;
    const record = recordOf(kind, listed, repository);
    github.emit({
      ...record,
      fields: { ...record.fields, ...closing, kind: kind.kind, closed_at: at },
    });
  }
}

const closedAlerts = defineEvents<GitHubScope, typeof schema.closedAlert>({
  ...common,
  name: 'github.closed_alerts',
  kind: 'events',
  when: 'closed_at',
  title: 'Alerts of all kinds that were closed',
  fields: schema.closedAlert,
  calls: {
    ...listCalls,
    [dependabot.route]: dependabot.permission,
    [codeScanning.route]: codeScanning.permission,
    [secretScanning.route]: secretScanning.permission,
  },
  async collect(github) {
    const scope = await openScope(github);
    const outcomes = await Promise.allSettled([
      collectClosed(github, scope, dependabot),
      collectClosed(github, scope, codeScanning),
      collectClosed(github, scope, secretScanning),
    ]);
    scope.close();
    // What one kind lacks does not hide another: each reason is named, and the rest is kept.
    const failures = outcomes.flatMap((o) => (o.status === 'rejected' ? [o.reason] : []));
    const [first] = failures;
    if (first === undefined) return;
    const unforeseen = failures.find((failure) => !(failure instanceof CollectError));
    if (unforeseen !== undefined) throw unforeseen;
    throw new CollectError(first.code, failures.map(({ message }) => message).join('; '));
  },
});

const collector: Collector<GitHubScope> = {
  id: 'github.alerts',
  title: 'Dependabot, code scanning and secret scanning alerts',
  datasets: [
    openAlerts(dependabot, schema.dependabotAlert),
    openAlerts(codeScanning, schema.codeScanningAlert),
    openAlerts(secretScanning, schema.secretScanningAlert),
    closedAlerts,
  ],
};

export default collector;
