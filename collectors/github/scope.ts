/** What every dataset of GitHub is given, and what `with:` says. */
import { type CollectContext, type GitHubContext, z } from '../../src/plugin.ts';

const pattern = (thing: string) =>
  z.string().min(1, `expected a pattern of ${thing}, like release-*`);

/** A repository by its own name: the owner is the organisation. */
const repositoryPattern = pattern('repositories').refine((text) => !text.includes('/'), {
  message: 'expected the name of a repository without its owner, like api or api-*',
});

/** A branch by its own name, or GitHub's word for the default branch. */
const branchPattern = pattern('branches')
  .refine((text) => !text.startsWith('~') || text === defaultBranch, {
    message: 'expected ~DEFAULT_BRANCH, the name of a branch, or a pattern like release/*',
  })
  .refine((text) => !text.startsWith('refs/'), {
    message: 'expected the name of a branch without refs/heads/',
  });

/** As GitHub's rulesets call it. */
export const defaultBranch = '~DEFAULT_BRANCH';

/** The shape of `with:`. In patterns `?` is one character, `*` any, `**` also beyond a `/`. */
export const configSchema = z.strictObject({
  organization: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'expected the login of an organisation, like acme')
    .describe('Login of the organisation'),
  repositories: z
    .strictObject({
      include: z
        .array(repositoryPattern)
        .min(1)
        .default(['*'])
        .describe('Patterns of the names of repositories to ask, without the owner'),
      exclude: z
        .array(repositoryPattern)
        .default([])
        .describe('Patterns of the names of repositories to leave out'),
      archived: z.boolean().default(false).describe('Ask archived repositories too'),
      forks: z.boolean().default(false).describe('Ask forks too'),
    })
    .prefault({})
    .describe('Which repositories to ask; those that are left out are shown, each with the reason'),
  production_refs: z
    .array(branchPattern)
    .min(1, 'expected the branches that ship, at least one')
    .default([defaultBranch])
    .describe('Branches that ship: `~DEFAULT_BRANCH`, names, or patterns like `release/*`'),
  production_environments: z
    .array(pattern('environments'))
    .min(1, 'expected the environments that are production, at least one')
    .default(['production', 'prod'])
    .describe('Patterns of the environments that are production'),
  app: z
    .strictObject({
      id: z.int().positive().describe('Number of the App'),
      installation_id: z
        .int()
        .positive()
        .describe('Number of its installation in the organisation'),
      private_key: z
        .string()
        .min(1)
        .optional()
        .describe('File with its private key (PEM); none: `GITHUB_APP_PRIVATE_KEY`'),
    })
    .optional()
    .describe('A GitHub App to ask as; none: `GITHUB_TOKEN` or `GH_TOKEN`'),
});

export type GitHubConfig = z.output<typeof configSchema>;

/** GitHub, as one slice of one organisation sees it. */
export interface GitHubScope extends GitHubContext {
  /** The organisation's login. */
  readonly organization: string;
  /** Its node id. */
  readonly organizationId: string;
  /** Who asks is an owner, or an App that may do as much to the organisation. */
  readonly canAdminister: boolean;
  /** Who asks is a GitHub App, by its key or by a token that it was given. */
  readonly isApp: boolean;
  readonly config: GitHubConfig;
}

/** What a reader of a list that several slices share may say in each of them. */
export type Sayings = Pick<CollectContext, 'tieOut' | 'note' | 'incomplete'>;
