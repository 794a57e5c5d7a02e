/** Asks a stand-in for GitHub as a program would. */
import {
  type GitHubStandIn,
  type StandInOptions,
  startGitHub,
} from '../support/github-stand-in.ts';
import type { GitHubWorld } from '../support/github-world.ts';

export interface RestAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
  body: any;
}

/** One GET with the viewer's token. */
export async function get(
  github: GitHubStandIn,
  path: string,
  headers: Record<string, string> = {},
): Promise<RestAnswer> {
  const url = path.startsWith('http') ? path : `${github.endpoint}${path}`;
  const response = await fetch(url, { headers: { ...authorization(github), ...headers } });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text,
  };
}

/** Every page by `Link`, and how many there were. */
export async function getAll(github: GitHubStandIn, path: string, list?: string) {
  const items: RestAnswer['body'][] = [];
  let pages = 0;
  let next: string | undefined = path;
  while (next !== undefined) {
    const { body, headers }: RestAnswer = await get(github, next);
    items.push(...(list === undefined ? body : body[list]));
    pages += 1;
    next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
  }
  return { items, pages };
}

export interface GraphqlAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
  data?: any;
  errors?: { type?: string; path?: (string | number)[]; message: string }[];
}

/** One query with the viewer's token. */
export async function ask(
  github: GitHubStandIn,
  query: string,
  variables: object = {},
): Promise<GraphqlAnswer> {
  const { body } = await post(github, query, variables);
  return body;
}

/** As `ask`, with status and headers. */
export async function post(
  github: GitHubStandIn,
  query: string,
  variables: object = {},
): Promise<RestAnswer> {
  const { endpoint } = github;
  const address = endpoint.endsWith('/api/v3')
    ? endpoint.replace(/v3$/, 'graphql')
    : `${endpoint}/graphql`;
  const response = await fetch(address, {
    method: 'POST',
    headers: authorization(github),
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const json = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: json ? JSON.parse(text) : text,
  };
}

function authorization({ world }: GitHubStandIn) {
  return { authorization: `Bearer ${world.viewer.token}` };
}

/** Runs a test against a stand-in. Fails if the stand-in did something that GitHub does not. */
export async function withGitHub(
  world: GitHubWorld,
  test: (github: GitHubStandIn) => Promise<void>,
  options: StandInOptions = {},
): Promise<void> {
  const github = await startGitHub(world, options);
  try {
    await test(github);
  } finally {
    await github.close();
  }
}
