import {
  CollectError,
  type Connected,
  defineGitHubSource,
  type GitHubContext,
  type Scope,
  type Tracer,
  z,
} from '../../src/plugin.ts';
import { organizationSettings, settingsCalls } from './organization/index.ts';
import { listCalls, repositoryListing } from './repositories/listing.ts';
import { configSchema, type GitHubConfig, type GitHubScope } from './scope.ts';

export const identityQuery = {
  name: 'Identity',
  text: `query Identity($organization: String!) {
  viewer { login }
  organization(login: $organization) { id login viewerCanAdminister }
}`,
  answer: z.object({
    viewer: z.object({ login: z.string() }),
    organization: z.object({
      id: z.string(),
      login: z.string(),
      viewerCanAdminister: z.boolean(),
    }),
  }),
};

export default defineGitHubSource<GitHubScope, typeof configSchema>({
  id: 'github',
  title: 'GitHub',
  config: configSchema,
  calls: {
    // Every App and every token may ask who it is.
    'POST /app/installations/{installation_id}/access_tokens': 'metadata:read',
    'graphql:Identity': 'metadata:read',
    ...settingsCalls,
    ...listCalls,
  },
  async connect(provider, config, tracer): Promise<Connected<GitHubScope>> {
    const open = provider.open({ app: appOf(config) });
    const { data } = await open(tracer).query(identityQuery, {
      organization: config.organization,
    });
    const { id, login, viewerCanAdminister } = data.organization;
    const scopeOf = (context: GitHubContext): GitHubScope => ({
      ...context,
      organization: login,
      organizationId: id,
      canAdminister: viewerCanAdminister,
      // GitHub keeps the ending for Apps.
      isApp: config.app !== undefined || data.viewer.login.endsWith('[bot]'),
      config,
    });
    const attach = (own: Tracer) => scopeOf(open(own));
    const github = attach(tracer);
    const [auditLog, leftOut] = await Promise.all([
      auditLogScope(github, attach),
      repositoriesLeftOut(github),
    ]);
    const app = config.app && ` (GitHub App installation ${config.app.installation_id})`;
    return {
      identities: [{ subject: `${data.viewer.login}${app ?? ''}`, account: `${login} (${id})` }],
      scopes: [{ level: 'organization', name: login, attach }, ...auditLog.scopes],
      leftOut: [...auditLog.leftOut, ...leftOut],
    };
  },
});

function appOf({ app }: GitHubConfig) {
  return app && { id: app.id, installation: app.installation_id, privateKey: app.private_key };
}

type Parts = Pick<Connected<GitHubScope>, 'scopes' | 'leftOut'>;

/** Only GitHub Enterprise Cloud answers about its audit log; a plan that is not told may be it. */
async function auditLogScope(
  github: GitHubScope,
  attach: (tracer: Tracer) => GitHubScope,
): Promise<Parts> {
  const level = 'audit_log';
  const name = github.organization;
  const scope: Scope<GitHubScope> = { level, name, attach };
  const plan = await unlessUnread(async () => {
    const { settings } = await organizationSettings(github);
    return settings.plan?.name;
  });
  if (typeof plan !== 'string' || plan === 'enterprise') return { scopes: [scope], leftOut: [] };
  const reason = `the audit log needs GitHub Enterprise; the plan is ${plan}`;
  return { scopes: [], leftOut: [{ scope: `audit log of ${name}`, reason, level }] };
}

/** Repositories that are there and not asked, and that there may be others. */
async function repositoriesLeftOut(github: GitHubScope): Promise<Parts['leftOut']> {
  const listing = await unlessUnread(() => repositoryListing(github));
  if (listing === undefined) return [];
  const known = [...listing.leftOut.values()]
    .map(({ name, reason }) => ({ scope: name, reason }))
    .sort((a, b) => (a.scope < b.scope ? -1 : 1));
  if (listing.unseen === undefined) return known;
  const scope = `further repositories of ${github.organization}`;
  return [...known, { scope, reason: listing.unseen }];
}

/** What could not be read here is said by every slice that needs it. */
async function unlessUnread<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof CollectError) return undefined;
    throw thrown;
  }
}
