import { execFileSync } from 'node:child_process';
import path from 'node:path';

/** What is known about the place where a configuration is to be written. */
export interface Surroundings {
  organization: string;
  awsProfile?: string;
  awsRegion?: string;
  /** Address of the git remote, without credentials. */
  gitRemote?: string;
  /** The environment holds a token for GitHub. */
  githubToken?: boolean;
}

/**
 * A first `tickmark.yaml`, with a comment to each key.
 * @param year the calendar year that the period covers.
 */
export function initialConfig({
  organization,
  awsProfile,
  awsRegion,
  gitRemote,
  githubToken = false,
  year,
}: Surroundings & { year: number }): string {
  const regions = awsRegion === undefined ? 'enabled' : `[${quote(awsRegion)}]`;
  const regionsNote =
    awsRegion === undefined
      ? '# every region that the account has enabled; or a list'
      : '# or: enabled (every region that the account has enabled)';
  const accounts =
    awsProfile === undefined
      ? [
          '      # No accounts: the credentials that the environment gives. To name them:',
          '      # accounts:',
          '      #   - role: arn:aws:iam::123456789012:role/Evidence',
        ]
      : ['      accounts:', `        - profile: ${quote(awsProfile)}`];
  return `${[
    '# What Tickmark collects and tests. `tickmark doctor` checks it.',
    `organization: ${quote(organization)}`,
    '',
    '# The period that the examination covers: whole days, both included.',
    'period:',
    `  start: ${year}-01-01`,
    `  end: ${year}-12-31`,
    'timezone: UTC',
    '',
    '# The trust services categories in scope.',
    'categories: [security, availability, confidentiality, processing-integrity, privacy]',
    '',
    '# Where the evidence is kept, relative to this file; or s3://bucket/prefix.',
    'store: ./evidence',
    '',
    '# What the evidence is sealed with. `tickmark keygen` makes a key.',
    '# signing: { key: ./signing-key.pem } # or its text in TICKMARK_SIGNING_KEY; or kms:<key ARN>',
    '# timestamps: { authorities: ["https://tsa.example"] } # RFC 3161',
    '',
    'sources:',
    '  - id: aws',
    '    use: aws',
    '    with:',
    `      regions: ${regions} ${regionsNote}`,
    ...accounts,
    ...(gitRemote === undefined ? [] : githubSource(gitRemote, githubToken)),
    '',
    '# Built-in controls; add folders with your own.',
    'controls: ["builtin:soc2"]',
    '',
    '# Values other than the defaults, by test:',
    '# parameters:',
    '#   aws-key-age: { max_days: 60 }',
  ].join('\n')}\n`;
}

/** The organisation on GitHub that owns the remote; as a comment while there is no token for it. */
function githubSource(gitRemote: string, token: boolean): string[] {
  const owner = /github\.com[/:]/.test(gitRemote) ? ownerOf(gitRemote) : undefined;
  if (owner === undefined) {
    return [`  # ${oneLine(gitRemote)}: no built-in source reads it; a plugin can.`];
  }
  const lines = [
    '  - id: github',
    '    use: github',
    '    with:',
    `      organization: ${quote(owner)}`,
    '      production_refs: ["~DEFAULT_BRANCH"] # branches that ship; patterns such as "release/*"',
  ];
  if (token) return lines;
  return [
    '  # With a token in GITHUB_TOKEN, GitHub too:',
    ...lines.map((line) => line.replace(/^ {2}/, '  # ')),
  ];
}

/** Looks around: the environment's AWS settings, the git remote, the folder's name. */
export function detect(env: Record<string, string | undefined>, cwd: string): Surroundings {
  const gitRemote = remoteOf(cwd);
  const awsRegion = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  const awsProfile = env.AWS_PROFILE;
  return {
    organization: (gitRemote && ownerOf(gitRemote)) || path.basename(path.resolve(cwd)) || 'Acme',
    ...(awsProfile ? { awsProfile } : {}),
    ...(awsRegion ? { awsRegion } : {}),
    ...(gitRemote ? { gitRemote } : {}),
    ...(env.GITHUB_TOKEN || env.GH_TOKEN ? { githubToken: true } : {}),
  };
}

/** The remote called origin; undefined without git, a repository or a remote. */
function remoteOf(cwd: string): string | undefined {
  try {
    const address = execFileSync('git', ['remote', 'get-url', 'origin'], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5_000,
    });
    return withoutCredentials(address.trim()) || undefined;
  } catch {
    return undefined;
  }
}

/** `https://user:token@host/…` is a common way to clone, and the file will be committed. */
function withoutCredentials(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1').replace(/[?#].*$/, '');
}

/** `acme` of `git@github.com:acme/app.git` and `https://github.com/acme/app`. */
function ownerOf(address: string): string | undefined {
  return /[/:]([^/:]+)\/[^/]+?\/?$/.exec(address)?.[1];
}

/** A YAML double-quoted scalar; JSON's escapes are YAML's. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
