/**
 * The one enumeration that users, groups, roles, policies and principals share:
 * GetAccountAuthorizationDetails, a thousand entities a call, held against GetAccountSummary.
 */
import type { GroupDetail, ManagedPolicyDetail, RoleDetail, UserDetail } from '@aws-sdk/client-iam';
import type { Answer, AwsContext } from '../../../src/plugin.ts';
import { iam } from '../services.ts';
import { told } from '../values.ts';

/** Calls of every dataset that uses the enumeration. */
export const authorizationCalls = {
  'iam:GetAccountAuthorizationDetails': 'iam:GetAccountAuthorizationDetails',
  'iam:GetAccountSummary': 'iam:GetAccountSummary',
};

/** One entity and the page it came with. */
export interface Listed<T> {
  detail: T;
  page: Answer;
}

export interface Authorization {
  users: Listed<UserDetail>[];
  groups: Listed<GroupDetail>[];
  roles: Listed<RoleDetail>[];
  /** The account's own policies, and those of AWS that are in use. */
  policies: Listed<ManagedPolicyDetail>[];
}

/** Of GetAccountSummary, what is read here. */
export interface Summary {
  answer: Answer;
  /** The count by its name in the answer; undefined where AWS does not give it. */
  count(name: string): number | undefined;
}

/** The account's numbers, asked once a run. */
export function accountSummary(aws: AwsContext): Promise<Summary> {
  return aws.once('iam.summary', async (shared) => {
    const answer = await shared.call(iam, 'GetAccountSummary', {});
    const map: Record<string, number | undefined> = told(answer.SummaryMap, 'SummaryMap');
    return { answer, count: (name) => map[name] };
  });
}

/** Every user, group, role and policy of the account, asked once a run. */
export function authorization(aws: AwsContext): Promise<Authorization> {
  return aws.once('iam.authorization', async (shared) => {
    const lists: Authorization = {
      users: [],
      groups: [],
      roles: [],
      policies: [],
    };
    const pages = shared.pages(
      iam,
      'GetAccountAuthorizationDetails',
      { MaxItems: 1000 },
      { send: 'Marker', receive: 'Marker', more: 'IsTruncated' },
    );
    for await (const page of pages) {
      const add = <T>(list: Listed<T>[], details: T[] | undefined) => {
        for (const detail of details ?? []) list.push({ detail, page });
      };
      add(lists.users, page.UserDetailList);
      add(lists.groups, page.GroupDetailList);
      add(lists.roles, page.RoleDetailList);
      add(lists.policies, page.Policies);
    }
    return lists;
  });
}
