/**
 * Cuts the response schemas that the stand-in for GitHub is checked against out of GitHub's own
 * description of its REST API.
 *
 *     npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
 *     node dist/scripts/vendor-github-openapi.js package/generated/ghec.deref.json
 *     npx biome check --write test/support/github-openapi
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** File, path and status; GET where nothing else is said. */
const wanted: { file: string; path: string; method?: string; status?: string }[] = [
  { file: 'organization', path: '/orgs/{org}' },
  { file: 'members', path: '/orgs/{org}/members' },
  { file: 'outside-collaborators', path: '/orgs/{org}/outside_collaborators' },
  { file: 'invitations', path: '/orgs/{org}/invitations' },
  { file: 'installations', path: '/orgs/{org}/installations' },
  { file: 'repositories', path: '/orgs/{org}/repos' },
  { file: 'installation-repositories', path: '/installation/repositories' },
  { file: 'teams', path: '/orgs/{org}/teams' },
  { file: 'rulesets', path: '/orgs/{org}/rulesets' },
  { file: 'ruleset', path: '/orgs/{org}/rulesets/{ruleset_id}' },
  { file: 'rule-suites', path: '/orgs/{org}/rulesets/rule-suites' },
  { file: 'rule-suite', path: '/orgs/{org}/rulesets/rule-suites/{rule_suite_id}' },
  { file: 'audit-log', path: '/orgs/{org}/audit-log' },
  { file: 'dependabot-alerts', path: '/orgs/{org}/dependabot/alerts' },
  { file: 'code-scanning-alerts', path: '/orgs/{org}/code-scanning/alerts' },
  { file: 'secret-scanning-alerts', path: '/orgs/{org}/secret-scanning/alerts' },
  { file: 'branch-protection', path: '/repos/{owner}/{repo}/branches/{branch}/protection' },
  { file: 'branch-rules', path: '/repos/{owner}/{repo}/rules/branches/{branch}' },
  { file: 'repository-ruleset', path: '/repos/{owner}/{repo}/rulesets/{ruleset_id}' },
  { file: 'deploy-keys', path: '/repos/{owner}/{repo}/keys' },
  { file: 'comparison', path: '/repos/{owner}/{repo}/compare/{basehead}' },
  { file: 'default-setup', path: '/repos/{owner}/{repo}/code-scanning/default-setup' },
  { file: 'code-scanning-analyses', path: '/repos/{owner}/{repo}/code-scanning/analyses' },
  {
    file: 'installation-token',
    path: '/app/installations/{installation_id}/access_tokens',
    method: 'post',
    status: '201',
  },
  { file: 'error', path: '/orgs/{org}', status: '404' },
];

/** Prose; a property may be called so, which is why only texts and examples go. */
const prose = ['description', 'title', 'externalDocs', 'example', 'examples', 'deprecated'];

function withoutProse(schema: Json, named = false): Json {
  if (Array.isArray(schema)) return schema.map((each) => withoutProse(each));
  if (schema === null || typeof schema !== 'object') return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => named || !(prose.includes(key) || key.startsWith('x-')))
      .map(([key, value]) => [key, withoutProse(value, !named && key === 'properties')]),
  );
}

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error('name the file ghec.deref.json of @octokit/openapi');
const { paths } = JSON.parse(readFileSync(source, 'utf8'));
for (const { file, path, method = 'get', status = '200' } of wanted) {
  const { schema } = paths[path][method].responses[status].content['application/json'];
  const target = join('test', 'support', 'github-openapi', `${file}.json`);
  writeFileSync(target, JSON.stringify(withoutProse(schema)));
}
