/** Security features of a repository; GitHub tells them to who administers it. */
import { type Answer, CallError, type Json, timestamp, z } from '../../../src/plugin.ts';
import type { GitHubScope } from '../scope.ts';
import { ownerAndName, read, refusal, type Told } from '../values.ts';
import type { Repository } from './listing.ts';

const listRoute = 'GET /orgs/{org}/repos';
const setupRoute = 'GET /repos/{owner}/{repo}/code-scanning/default-setup';
const analysesRoute = 'GET /repos/{owner}/{repo}/code-scanning/analyses';
const alertsRoute = 'GET /orgs/{org}/dependabot/alerts';

/** Calls of the dataset that asks for features. */
export const featureCalls = {
  [listRoute]: 'metadata:read administration:read',
  [setupRoute]: 'administration:read',
  [analysesRoute]: 'security_events:read',
  [alertsRoute]: 'vulnerability_alerts:read',
};

const status = z.object({ status: z.string() }).optional();

const listed = z.object({
  node_id: z.string(),
  security_and_analysis: z
    .object({
      dependabot_security_updates: status,
      secret_scanning: status,
      secret_scanning_push_protection: status,
    })
    .nullish(),
});
type Security = NonNullable<z.output<typeof listed>['security_and_analysis']>;

/** A repository as REST lists it. */
export interface RestRepository {
  security: Security | undefined;
  item: Json;
  page: Answer;
}

/** What REST lists, by node id. */
export async function restRepositories(github: GitHubScope): Promise<Map<string, RestRepository>> {
  const repositories = new Map<string, RestRepository>();
  const pages = github.pages(listRoute, { org: github.organization }, { type: 'all' });
  for await (const page of pages) {
    for (const item of page.items) {
      const { node_id, security_and_analysis } = read(listed, item, 'a repository of the list');
      repositories.set(node_id, { security: security_and_analysis ?? undefined, item, page });
    }
  }
  return repositories;
}

const administrators =
  'GitHub tells it to administrators of the repository only; give the token administration:read';

/** What the list says of a feature. */
export function featureOf(security: Security | undefined, name: keyof Security): Told<boolean> {
  if (security === undefined) return { untold: administrators };
  const feature = security[name];
  if (feature === undefined) {
    return { untold: 'GitHub does not say it of this repository; the plan may lack the feature' };
  }
  return { told: feature.status === 'enabled' };
}

/**
 * Whether Dependabot alerts are on. GraphQL says no to whoever may not know: that counts from an
 * administrator, and for an App that was told of settings and of alerts.
 */
export async function dependabotAlerts(
  github: GitHubScope,
  { node, canAdminister }: Pick<Repository, 'canAdminister' | 'node'>,
  security: Security | undefined,
): Promise<Told<boolean>> {
  if (node.hasVulnerabilityAlertsEnabled) return { told: true };
  if (!github.isApp && canAdminister) return { told: false };
  if (security === undefined) return { untold: administrators };
  try {
    await github.once('right to alerts', (shared) =>
      shared.get(alertsRoute, { org: github.organization }, { per_page: '1' }),
    );
    return { told: false };
  } catch (thrown) {
    return { untold: refusal(thrown) };
  }
}

/** How GitHub says that a repository cannot have code scanning: it is off, and no right is missing. */
const unavailable = /must be enabled for this repository to use code scanning/;

const setupShape = z.object({ state: z.string() });
const analysesShape = z.array(z.object({ created_at: timestamp() }));

/** Whether code scanning has an analysis, or its default setup is on. */
export async function codeScanning(
  github: GitHubScope,
  { name }: Pick<Repository, 'name'>,
  from: Answer[],
): Promise<Told<boolean>> {
  const repository = ownerAndName(name);
  try {
    const setup = await github.get(setupRoute, repository);
    from.push(setup);
    const { state } = read(setupShape, setup.body, `the default setup of ${name}`);
    if (state === 'configured') return { told: true };
    // Set up by a workflow of the repository's own, it shows in its analyses only.
    const analyses = await github.find(analysesRoute, repository, ['no analysis found']);
    from.push(analyses);
    const analysed = read(analysesShape, analyses.body ?? [], `the analyses of ${name}`);
    return { told: analysed.length > 0 };
  } catch (thrown) {
    if (thrown instanceof CallError && unavailable.test(thrown.error)) return { told: false };
    return { untold: refusal(thrown) };
  }
}
