import { compareText } from '../evidence/json.ts';
import type { Dataset, Source } from '../plugin.ts';

/** An IAM policy document, as IAM accepts it. */
export interface IamPolicy {
  Version: '2012-10-17';
  Statement: { Sid: string; Effect: 'Allow'; Action: string[]; Resource: '*' | string[] }[];
}

/** Calls that IAM does not ask a permission for. */
const needNoPermission = new Set(['sts:GetCallerIdentity']);

/**
 * The least-privilege policy for the calls that the wanted datasets declare: the list that the
 * provider enforces is the list that is printed. `roles` are the only ones that may be assumed.
 */
export function awsPolicy(
  source: Pick<Source<unknown, object>, 'calls'>,
  datasets: Pick<Dataset<object>, 'calls'>[],
  roles: string[],
): IamPolicy {
  const permissions = [
    ...new Set([source, ...datasets].flatMap(({ calls }) => Object.values(calls))),
  ]
    .filter((permission) => !needNoPermission.has(permission) && permission !== 'sts:AssumeRole')
    .sort(compareText);
  const assume = {
    Sid: 'TickmarkAssumeRoles',
    Effect: 'Allow' as const,
    Action: ['sts:AssumeRole'],
    Resource: [...roles].sort(compareText),
  };
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'TickmarkReadEvidence', Effect: 'Allow', Action: permissions, Resource: '*' },
      ...(roles.length === 0 ? [] : [assume]),
    ],
  };
}

/** Permissions of a GitHub App or a fine-grained token, by the names of an App's manifest. */
export interface GitHubPermissions {
  permissions: Record<string, string>;
}

/** The least that the calls of the wanted datasets need: declared as `members:read contents:read`. */
export function githubPermissions(
  source: Pick<Source<unknown, object>, 'calls'>,
  datasets: Pick<Dataset<object>, 'calls'>[],
): GitHubPermissions {
  const declared = [source, ...datasets]
    .flatMap(({ calls }) => Object.values(calls))
    .flatMap((permissions) => permissions.split(' '))
    .map((permission) => /^([a-z_]+):([a-z]+)$/.exec(permission))
    .filter((match) => match !== null)
    .map(([, name = '', level = '']): [string, string] => [name, level])
    .sort((a, b) => compareText(a.join(':'), b.join(':')));
  return { permissions: Object.fromEntries(declared) };
}
