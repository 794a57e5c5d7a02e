import { setTimeout as pause } from 'node:timers/promises';
import {
  type AwsContext,
  type CollectContext,
  type Collector,
  defineDataset,
  type z,
} from '../../../src/plugin.ts';
import { decodePolicyDocument } from '../policy-document.ts';
import { iam } from '../services.ts';
import { tagMap, time, told } from '../values.ts';
import {
  type Authorization,
  accountSummary,
  authorization,
  authorizationCalls,
  type Summary,
} from './authorization.ts';
import {
  countReported,
  isRoot,
  joinUsers,
  observedAt,
  parseCredentialReport,
} from './credential-report.ts';
import { defaultStatements, effectiveStatements } from './principals.ts';
import * as schema from './schema.ts';

const common = { version: 1, kind: 'snapshot', level: 'account' } as const;

const firstPauseMs = 500;
const longestPauseMs = 20_000;

const rootArn = (aws: AwsContext) => `arn:${aws.partition}:iam::${aws.account}:root`;
const count = (summary: Summary, name: string) => told(summary.count(name), name);
const isServiceLinked = (path: string) => path.startsWith('/aws-service-role/');

/** After the records are handed over: what was read stays read where the count is refused. */
async function tieOut(
  aws: AwsContext & CollectContext,
  name: string,
  found: number,
): Promise<void> {
  const expected = count(await accountSummary(aws), name);
  aws.tieOut({ by: `${name} of iam:GetAccountSummary`, expected, found });
}

/**
 * AWS's pages do not say whether the number of roles includes service-linked ones, which do not
 * count against its quota. Either number is accepted, and no other.
 */
async function tieOutRoles(
  aws: AwsContext & CollectContext,
  roles: Authorization['roles'],
): Promise<void> {
  const own = roles.filter(({ detail }) => !isServiceLinked(detail.Path ?? '')).length;
  const counted = count(await accountSummary(aws), 'Roles');
  await tieOut(aws, 'Roles', counted === own ? own : roles.length);
}

const summaryDataset = defineDataset<AwsContext, typeof schema.accountSummary>({
  ...common,
  name: 'aws.iam.account_summary',
  title: 'The root user’s credentials, and how many users, groups, roles and policies there are',
  fields: schema.accountSummary,
  calls: { 'iam:GetAccountSummary': 'iam:GetAccountSummary' },
  async collect(aws) {
    const summary = await accountSummary(aws);
    const password = summary.count('AccountPasswordPresent');
    aws.emit({
      uid: rootArn(aws),
      name: 'root',
      fields: {
        account_id: aws.account,
        arn: rootArn(aws),
        mfa_active: count(summary, 'AccountMFAEnabled') > 0,
        access_keys_present: count(summary, 'AccountAccessKeysPresent') > 0,
        signing_certificates_present: count(summary, 'AccountSigningCertificatesPresent') > 0,
        ...(password === undefined ? {} : { password_present: password > 0 }),
        users: count(summary, 'Users'),
        groups: count(summary, 'Groups'),
        roles: count(summary, 'Roles'),
        policies: count(summary, 'Policies'),
      },
      original: summary.answer,
      from: [summary.answer],
    });
  },
});

const passwordPolicyDataset = defineDataset<AwsContext, typeof schema.passwordPolicy>({
  ...common,
  name: 'aws.iam.password_policy',
  title: 'What the account asks of its users’ passwords',
  fields: schema.passwordPolicy,
  calls: { 'iam:GetAccountPasswordPolicy': 'iam:GetAccountPasswordPolicy' },
  async collect(aws) {
    const answer = await aws.find(
      iam,
      'GetAccountPasswordPolicy',
      {},
      { absent: ['NoSuchEntity', 'NoSuchEntityException'] },
    );
    const policy = answer.output && told(answer.output.PasswordPolicy, 'PasswordPolicy');
    const said = <T>(value: T | undefined, unsaid: T) => (policy ? (value ?? unsaid) : null);
    aws.emit({
      uid: `arn:${aws.partition}:iam::${aws.account}:account-password-policy`,
      name: aws.account,
      fields: {
        account_id: aws.account,
        exists: policy !== undefined,
        min_length: policy ? told(policy.MinimumPasswordLength, 'MinimumPasswordLength') : null,
        require_symbols: said(policy?.RequireSymbols, false),
        require_numbers: said(policy?.RequireNumbers, false),
        require_uppercase: said(policy?.RequireUppercaseCharacters, false),
        require_lowercase: said(policy?.RequireLowercaseCharacters, false),
        users_may_change: said(policy?.AllowUsersToChangePassword, false),
        max_age_days: said(policy?.MaxPasswordAge, 0),
        reuse_prevention: said(policy?.PasswordReusePrevention, 0),
        hard_expiry: said(policy?.HardExpiry, false),
      },
      original: policy ?? null,
      from: [answer],
    });
  },
});

const credentialReportDataset = defineDataset<AwsContext, typeof schema.credentialReport>({
  ...common,
  name: 'aws.iam.credential_report',
  title: 'Passwords, MFA and access keys of every IAM user and of the root user',
  fields: schema.credentialReport,
  calls: {
    'iam:GenerateCredentialReport': 'iam:GenerateCredentialReport',
    'iam:GetCredentialReport': 'iam:GetCredentialReport',
    ...authorizationCalls,
  },
  staleAfterHours: 24,
  async collect(aws) {
    // Users are listed first: whoever is listed and made before the report must be in it.
    const { users } = await authorization(aws);
    await generateReport(aws);
    const completed = aws.now();
    const report = await aws.call(iam, 'GetCredentialReport', {});
    const rows = parseCredentialReport(
      Buffer.from(told(report.Content, 'Content')).toString('utf8'),
    );
    const generated = told(report.GeneratedTime, 'GeneratedTime');
    const observed = observedAt(rows, generated, completed);
    // Without a row the report said nothing; what is emitted then is from calls of this minute.
    if (rows.length > 0) aws.observedAt(observed.time);
    if (observed.doubtful) {
      aws.note(
        'DoubtfulTime',
        `the credential report says it was made at ${time(generated)} and holds something younger; AWS gives none older than four hours, so it counts as observed four hours before it was had`,
      );
    }
    const current = users.map(({ detail, page }) => ({
      arn: told(detail.Arn, 'Arn'),
      name: told(detail.UserName, 'UserName'),
      created: told(detail.CreateDate, 'CreateDate'),
      page,
    }));
    const pageOf = new Map(current.map(({ arn, page }) => [arn, page]));
    const records = joinUsers(rows, current, aws.account, rootArn(aws));
    for (const { arn, name, fields, row } of records) {
      aws.emit({
        uid: fields.arn,
        name,
        fields,
        original: row ?? null,
        from: row === undefined ? [pageOf.get(arn) ?? report] : [report],
      });
    }
    if (!rows.some(isRoot)) emitRootStandIn(aws, await accountSummary(aws));
    aws.tieOut({
      by: 'users of iam:GetAccountAuthorizationDetails made before the report',
      ...countReported(records, current, observed.time),
    });
    await tieOut(aws, 'Users', users.length);
  },
});

/** Asks for a report until there is one. */
async function generateReport(aws: AwsContext & CollectContext): Promise<void> {
  for (let wait = firstPauseMs; ; wait = Math.min(wait * 2, longestPauseMs)) {
    const { State } = await aws.call(iam, 'GenerateCredentialReport', {});
    if (State === 'COMPLETE') return;
    await pause(wait, undefined, { signal: aws.signal });
  }
}

/** The root user is in the population even where the report leaves it out. */
function emitRootStandIn(
  aws: AwsContext & CollectContext<z.input<typeof schema.credentialReport>>,
  summary: Summary,
): void {
  const password = summary.count('AccountPasswordPresent');
  const hasKeys = count(summary, 'AccountAccessKeysPresent') > 0;
  aws.note(
    'StandInRecord',
    'the credential report has no row for the root user; what is known of it is from iam:GetAccountSummary',
  );
  aws.emit({
    uid: rootArn(aws),
    name: 'root',
    fields: {
      account_id: aws.account,
      arn: rootArn(aws),
      mfa_active: count(summary, 'AccountMFAEnabled') > 0,
      ...(password === undefined ? {} : { password_enabled: password > 0 }),
      // Of keys that are there, neither number nor age is known.
      ...(hasKeys ? {} : { keys: [] }),
    },
    original: summary.answer,
    from: [summary.answer],
  });
}

const usersDataset = defineDataset<AwsContext, typeof schema.user>({
  ...common,
  name: 'aws.iam.users',
  title: 'IAM users, their groups and policies',
  fields: schema.user,
  calls: authorizationCalls,
  async collect(aws) {
    const { users } = await authorization(aws);
    for (const { detail, page } of users) {
      const arn = told(detail.Arn, 'Arn');
      aws.emit({
        uid: arn,
        name: told(detail.UserName, 'UserName'),
        fields: {
          account_id: aws.account,
          arn,
          user_id: told(detail.UserId, 'UserId'),
          path: told(detail.Path, 'Path'),
          created: time(told(detail.CreateDate, 'CreateDate')),
          groups: detail.GroupList ?? [],
          ...policyNames(detail.AttachedManagedPolicies, detail.UserPolicyList),
          permissions_boundary: detail.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
          tags: tagMap(detail.Tags),
        },
        original: detail,
        from: [page],
      });
    }
    await tieOut(aws, 'Users', users.length);
  },
});

const groupsDataset = defineDataset<AwsContext, typeof schema.group>({
  ...common,
  name: 'aws.iam.groups',
  title: 'Groups and their policies',
  fields: schema.group,
  calls: authorizationCalls,
  async collect(aws) {
    const { groups } = await authorization(aws);
    for (const { detail, page } of groups) {
      const arn = told(detail.Arn, 'Arn');
      aws.emit({
        uid: arn,
        name: told(detail.GroupName, 'GroupName'),
        fields: {
          account_id: aws.account,
          arn,
          group_id: told(detail.GroupId, 'GroupId'),
          path: told(detail.Path, 'Path'),
          created: time(told(detail.CreateDate, 'CreateDate')),
          ...policyNames(detail.AttachedManagedPolicies, detail.GroupPolicyList),
        },
        original: detail,
        from: [page],
      });
    }
    await tieOut(aws, 'Groups', groups.length);
  },
});

const rolesDataset = defineDataset<AwsContext, typeof schema.role>({
  ...common,
  name: 'aws.iam.roles',
  title: 'Roles, who may assume them and their policies',
  fields: schema.role,
  calls: authorizationCalls,
  async collect(aws) {
    const { roles } = await authorization(aws);
    for (const { detail, page } of roles) {
      const arn = told(detail.Arn, 'Arn');
      const path = told(detail.Path, 'Path');
      const used = detail.RoleLastUsed?.LastUsedDate;
      const fields = {
        account_id: aws.account,
        arn,
        role_id: told(detail.RoleId, 'RoleId'),
        path,
        created: time(told(detail.CreateDate, 'CreateDate')),
        service_linked: isServiceLinked(path),
        ...policyNames(detail.AttachedManagedPolicies, detail.RolePolicyList),
        permissions_boundary: detail.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
        last_used: used === undefined ? null : time(used),
        tags: tagMap(detail.Tags),
      };
      await aws.item(
        { uid: arn, name: told(detail.RoleName, 'RoleName'), fields, from: [page] },
        async () => ({
          fields: {
            ...fields,
            trust: decodePolicyDocument(
              told(detail.AssumeRolePolicyDocument, 'AssumeRolePolicyDocument'),
            ),
          },
          original: detail,
          from: [page],
        }),
      );
    }
    await tieOutRoles(aws, roles);
  },
});

const policiesDataset = defineDataset<AwsContext, typeof schema.policy>({
  ...common,
  name: 'aws.iam.policies',
  title: 'Managed policies: the account’s own, and those of AWS that are in use',
  fields: schema.policy,
  calls: authorizationCalls,
  async collect(aws) {
    const { policies } = await authorization(aws);
    let own = 0;
    for (const { detail, page } of policies) {
      const arn = told(detail.Arn, 'Arn');
      const awsManaged = arn.split(':')[4] === 'aws';
      if (!awsManaged) own += 1;
      const fields = {
        account_id: aws.account,
        arn,
        aws_managed: awsManaged,
        path: told(detail.Path, 'Path'),
        created: time(told(detail.CreateDate, 'CreateDate')),
        updated: time(told(detail.UpdateDate, 'UpdateDate')),
        attachments: detail.AttachmentCount ?? 0,
        boundary_uses: detail.PermissionsBoundaryUsageCount ?? 0,
      };
      await aws.item(
        { uid: arn, name: arn.slice(arn.lastIndexOf('/') + 1), fields, from: [page] },
        async () => {
          const statements = defaultStatements(detail);
          return {
            fields: statements === undefined ? fields : { ...fields, statements },
            original: detail,
            from: [page],
          };
        },
      );
    }
    await tieOut(aws, 'Policies', own);
  },
});

const principalsDataset = defineDataset<AwsContext, typeof schema.principal>({
  ...common,
  name: 'aws.iam.principals',
  title: 'What each user and role may do: every statement that reaches it, and how',
  fields: schema.principal,
  calls: authorizationCalls,
  async collect(aws) {
    const all = await authorization(aws);
    const { users, roles } = all;
    const statementsOf = effectiveStatements(all);
    const principals = [
      ...users.map(({ detail, page }) => ({
        kind: 'user' as const,
        name: told(detail.UserName, 'UserName'),
        inline: detail.UserPolicyList,
        groups: detail.GroupList ?? [],
        detail,
        page,
      })),
      ...roles.map(({ detail, page }) => ({
        kind: 'role' as const,
        name: told(detail.RoleName, 'RoleName'),
        inline: detail.RolePolicyList,
        groups: [],
        detail,
        page,
      })),
    ];
    for (const { kind, name, inline, groups, detail, page } of principals) {
      const arn = told(detail.Arn, 'Arn');
      const path = told(detail.Path, 'Path');
      const fields = {
        account_id: aws.account,
        arn,
        kind,
        path,
        service_linked: isServiceLinked(path),
        permissions_boundary: detail.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
      };
      await aws.item({ uid: arn, name, fields, from: [page] }, async () => {
        const statements = statementsOf.of(
          { attached: detail.AttachedManagedPolicies, inline },
          groups,
        );
        return {
          fields: statements === undefined ? fields : { ...fields, statements },
          original: detail,
          from: [page],
        };
      });
    }
    await tieOut(aws, 'Users', users.length);
    await tieOutRoles(aws, roles);
  },
});

const virtualMfaDataset = defineDataset<AwsContext, typeof schema.virtualMfaDevice>({
  ...common,
  name: 'aws.iam.virtual_mfa_devices',
  title: 'MFA devices that are an app on a phone, and whose they are',
  fields: schema.virtualMfaDevice,
  calls: { 'iam:ListVirtualMFADevices': 'iam:ListVirtualMFADevices' },
  async collect(aws) {
    const pages = aws.pages(
      iam,
      'ListVirtualMFADevices',
      { MaxItems: 1000 },
      { send: 'Marker', receive: 'Marker', more: 'IsTruncated' },
    );
    for await (const page of pages) {
      for (const device of told(page.VirtualMFADevices, 'VirtualMFADevices')) {
        const serial = told(device.SerialNumber, 'SerialNumber');
        const userArn = device.User?.Arn ?? null;
        const root = userArn === rootArn(aws);
        aws.emit({
          uid: serial,
          name: root
            ? 'root'
            : (device.User?.UserName ?? serial.slice(serial.lastIndexOf('/') + 1)),
          fields: {
            account_id: aws.account,
            serial,
            user_arn: userArn,
            root,
            enabled_at: device.EnableDate ? time(device.EnableDate) : null,
          },
          original: device,
          from: [page],
        });
      }
    }
  },
});

function policyNames(
  attached: { PolicyArn?: string | undefined }[] | undefined,
  inline: { PolicyName?: string | undefined }[] | undefined,
) {
  return {
    attached_policies: (attached ?? []).map(({ PolicyArn }) => told(PolicyArn, 'PolicyArn')),
    inline_policies: (inline ?? []).map(({ PolicyName }) => told(PolicyName, 'PolicyName')),
  };
}

const collector: Collector<AwsContext> = {
  id: 'aws.iam',
  title: 'AWS Identity and Access Management',
  datasets: [
    summaryDataset,
    passwordPolicyDataset,
    credentialReportDataset,
    usersDataset,
    groupsDataset,
    rolesDataset,
    policiesDataset,
    principalsDataset,
    virtualMfaDataset,
  ],
};

export default collector;
