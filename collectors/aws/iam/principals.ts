/** What users and roles may do: the statements of every policy that reaches them. */
import type { AttachedPolicy, ManagedPolicyDetail, PolicyDetail } from '@aws-sdk/client-iam';
import {
  decodePolicyDocument,
  type IdentityStatement,
  withoutPrincipals,
} from '../policy-document.ts';
import { told } from '../values.ts';
import type { Authorization } from './authorization.ts';

/** A statement, the policy it is from and how that policy reached the principal. */
export type EffectiveStatement = Reach & { policy: string; via: string };

/**
 * What a statement says without its lists: thousands of principals share policies that name a
 * thousand actions, and a principal's record must not repeat them.
 */
type Reach = Omit<IdentityStatement, 'actions' | 'resources'>;

/** The statements that an entity carries itself. */
interface Bearer {
  attached: AttachedPolicy[] | undefined;
  inline: PolicyDetail[] | undefined;
}

/**
 * Reads effective statements.
 * `of` answers undefined where a policy or a group is not among what was enumerated: what the
 * principal may do then cannot be told.
 * @throws PolicyDocumentError for a document that cannot be read.
 */
export function effectiveStatements({ groups, policies }: Authorization) {
  const byArn = new Map(policies.map(({ detail }) => [detail.Arn, detail]));
  const byName = new Map(groups.map((listed) => [listed.detail.GroupName, listed.detail]));
  const read = new Map<string, Reach[] | undefined>();

  const managed = (arn: string): Reach[] | undefined => {
    if (!read.has(arn)) {
      const detail = byArn.get(arn);
      read.set(arn, detail && defaultStatements(detail)?.map(reach));
    }
    return read.get(arn);
  };

  const carried = (bearer: Bearer, group?: string): EffectiveStatement[] | undefined => {
    const statements: EffectiveStatement[] = [];
    for (const { PolicyName, PolicyDocument } of bearer.inline ?? []) {
      const policy = told(PolicyName, 'PolicyName');
      for (const statement of inlineStatements(PolicyDocument).map(reach)) {
        statements.push({ policy, via: group ?? 'inline', ...statement });
      }
    }
    for (const { PolicyArn } of bearer.attached ?? []) {
      const policy = told(PolicyArn, 'PolicyArn');
      const found = managed(policy);
      if (found === undefined) return undefined;
      for (const statement of found) {
        statements.push({ policy, via: group ?? 'attached', ...statement });
      }
    }
    return statements;
  };

  return {
    of(bearer: Bearer, groupNames: string[]): EffectiveStatement[] | undefined {
      const all = carried(bearer);
      for (const name of groupNames) {
        const group = byName.get(name);
        const more =
          group &&
          carried(
            { attached: group.AttachedManagedPolicies, inline: group.GroupPolicyList },
            `group ${name}`,
          );
        if (all === undefined || more === undefined) return undefined;
        all.push(...more);
      }
      return all;
    },
  };
}

function reach({
  actions: _actions,
  resources: _resources,
  ...statement
}: IdentityStatement): Reach {
  return statement;
}

/** The statements of a managed policy's version in force; undefined where it is not in the answer. */
export function defaultStatements({
  PolicyVersionList,
}: ManagedPolicyDetail): IdentityStatement[] | undefined {
  const document = PolicyVersionList?.find((version) => version.IsDefaultVersion)?.Document;
  return document === undefined ? undefined : inlineStatements(document);
}

function inlineStatements(document: string | undefined): IdentityStatement[] {
  return decodePolicyDocument(told(document, 'PolicyDocument')).map(withoutPrincipals);
}
