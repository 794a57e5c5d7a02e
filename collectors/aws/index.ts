import {
  type AwsContext,
  type AwsCredentialsChoice,
  type AwsProvider,
  CallError,
  CollectError,
  type Connected,
  defineAwsSource,
  type Identity,
  type ProblemCode,
  type Scope,
  type Tracer,
  z,
} from '../../src/plugin.ts';
import { ec2, organizations } from './services.ts';
import { told } from './values.ts';

const regionName = z
  .string()
  .regex(/^[a-z]{2}(-[a-z]+)+-\d+$/, 'expected the name of a region, like eu-west-1');

const role = z.strictObject({
  role: z
    .string()
    .regex(
      /^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/,
      'expected the ARN of a role, like arn:aws:iam::123456789012:role/Evidence',
    )
    .describe('ARN of the role to assume in the account'),
  external_id: z
    .string()
    .optional()
    .describe('External id that the role’s trust policy asks for, if it does'),
});

const profile = z.strictObject({
  profile: z.string().min(1).describe('Profile of the AWS configuration files'),
});

const configSchema = z.strictObject({
  regions: z
    .union([z.literal('enabled'), z.array(regionName).min(1)])
    .default('enabled')
    .describe('Regions to ask: a list, or `enabled` for every region that the account has enabled'),
  accounts: z
    .array(z.union([role, profile]))
    .min(1)
    .refine((accounts) => new Set(accounts.map(nameOf)).size === accounts.length, {
      message: 'expected each account and each profile once',
    })
    .optional()
    .describe('Accounts to ask, each by a role or a profile; none: the default credential chain'),
});

type Config = z.output<typeof configSchema>;
type AccountChoice = z.output<typeof role> | z.output<typeof profile>;

/** What one account gave to connecting. */
interface Account extends Connected<AwsContext> {
  id: string | undefined;
  /** Account ids of the organisation, where it answered. */
  members: string[] | undefined;
  /** Why it did not answer; undefined for an account in no organisation. */
  membersUnknown: string | undefined;
}

export default defineAwsSource({
  id: 'aws',
  title: 'Amazon Web Services',
  config: configSchema,
  calls: {
    'sts:GetCallerIdentity': 'sts:GetCallerIdentity',
    'sts:AssumeRole': 'sts:AssumeRole',
    'ec2:DescribeRegions': 'ec2:DescribeRegions',
    'organizations:ListAccounts': 'organizations:ListAccounts',
  },
  async connect(provider, config, tracer): Promise<Connected<AwsContext>> {
    const region =
      config.regions === 'enabled'
        ? ((await provider.defaultRegion()) ?? 'us-east-1')
        : (config.regions[0] ?? 'us-east-1');
    const choices: (AccountChoice | undefined)[] = config.accounts ?? [undefined];
    const accounts = await Promise.all(
      choices.map((choice) => connectAccount(provider, choice, region, config.regions, tracer)),
    );
    const seen = new Set<string>();
    const single = accounts.map((account, index) => {
      if (account.id === undefined || !seen.has(account.id)) {
        seen.add(account.id ?? '');
        return account;
      }
      const name = nameOf(choices[index]);
      return unreachable(`${account.id} by ${name}`, config.regions, {
        code: 'DuplicateRecord',
        message: `account ${account.id} is configured twice; remove ${name} from tickmark.yaml`,
      });
    });
    return {
      identities: single.flatMap((account) => account.identities),
      scopes: single.flatMap((account) => account.scopes),
      leftOut: [
        ...single.flatMap((account) => account.leftOut),
        ...otherAccounts(single, choices.map(nameOf)),
      ],
    };
  },
});

/** The account of a role, `profile NAME`, or `default credentials`. */
function nameOf(choice: AccountChoice | undefined): string {
  if (choice === undefined) return 'default credentials';
  return 'role' in choice ? (choice.role.split(':')[4] ?? '') : `profile ${choice.profile}`;
}

async function connectAccount(
  provider: AwsProvider,
  choice: AccountChoice | undefined,
  region: string,
  regions: Config['regions'],
  tracer: Tracer,
): Promise<Account> {
  let account: Awaited<ReturnType<AwsProvider['account']>>;
  try {
    account = await provider.account(credentials(choice), region, tracer);
  } catch (thrown) {
    return unreachable(nameOf(choice), regions, problemOf(thrown));
  }
  const id = account.identity.account;
  const home = account.in(globalRegion(account.partition));
  const [asked, members] = await Promise.all([
    regionScopes(account, region, regions, tracer),
    listMembers(home(tracer)),
  ]);
  return {
    id,
    identities: [account.identity],
    scopes: [{ level: 'account', name: id, attach: home }, ...asked.scopes],
    leftOut: asked.leftOut,
    ...members,
  };
}

function credentials(choice: AccountChoice | undefined): AwsCredentialsChoice {
  if (choice === undefined) return {};
  if ('profile' in choice) return choice;
  return { role: choice.role, externalId: choice.external_id };
}

/** One scope for each region, and the enabled regions that are not among them. */
async function regionScopes(
  account: { identity: Identity; in(region: string): (tracer: Tracer) => AwsContext },
  region: string,
  regions: Config['regions'],
  tracer: Tracer,
): Promise<Pick<Account, 'scopes' | 'leftOut'>> {
  const id = account.identity.account;
  const scopeOf = (name: string): Scope<AwsContext> => ({
    level: 'region',
    name: `${id}/${name}`,
    attach: account.in(name),
  });
  const configured = regions === 'enabled' ? undefined : regions;
  let enabled: string[];
  try {
    const answer = await account.in(region)(tracer).call(ec2, 'DescribeRegions', {});
    enabled = (answer.Regions ?? []).map(({ RegionName }) => told(RegionName, 'RegionName')).sort();
  } catch (thrown) {
    const problem = problemOf(thrown);
    if (configured === undefined) {
      return { scopes: [{ level: 'region', name: `${id}/enabled`, problem }], leftOut: [] };
    }
    return {
      scopes: configured.map(scopeOf),
      leftOut: [{ scope: id, reason: `other enabled regions are not known: ${problem.message}` }],
    };
  }
  if (configured === undefined && enabled.length === 0) {
    const problem = {
      code: 'UnreadableResponse' as const,
      message: `ec2:DescribeRegions named no region in account ${id}; every account has some: check AWS_ENDPOINT_URL and any proxy between`,
    };
    return { scopes: [{ level: 'region', name: `${id}/enabled`, problem }], leftOut: [] };
  }
  return {
    scopes: (configured ?? enabled).map(scopeOf),
    leftOut: enabled
      .filter((name) => configured !== undefined && !configured.includes(name))
      .map((name) => ({
        scope: `${id}/${name}`,
        reason: 'the region is enabled in the account and not configured',
      })),
  };
}

/** Active accounts of the organisation; only its management or a delegated account is told. */
async function listMembers(aws: AwsContext): Promise<Pick<Account, 'members' | 'membersUnknown'>> {
  try {
    const members: string[] = [];
    const pages = aws.pages(
      organizations,
      'ListAccounts',
      {},
      { send: 'NextToken', receive: 'NextToken' },
    );
    for await (const page of pages) {
      for (const { Id, State, Status } of told(page.Accounts, 'Accounts')) {
        // AWS is replacing Status by State.
        if ((State ?? Status) === 'ACTIVE') members.push(told(Id, 'Id'));
      }
    }
    return { members, membersUnknown: undefined };
  } catch (thrown) {
    const alone = thrown instanceof CallError && thrown.error === notInOrganization;
    return { members: undefined, membersUnknown: alone ? undefined : problemOf(thrown).message };
  }
}
const notInOrganization = 'AWSOrganizationsNotInUseException';

/** Accounts of the organisation that are not asked, or a line that says that they are not known. */
function otherAccounts(
  accounts: Account[],
  configured: string[],
): { scope: string; reason: string }[] {
  const asked = new Set([...accounts.map((account) => account.id), ...configured]);
  const listed = accounts.flatMap((account) => account.members ?? []);
  const unknown = accounts.find((account) => account.membersUnknown !== undefined);
  if (listed.length === 0 && unknown?.membersUnknown !== undefined) {
    return [
      {
        scope: 'organization',
        reason: `other accounts of the organisation are not known: ${unknown.membersUnknown}`,
      },
    ];
  }
  return [...new Set(listed)]
    .filter((id) => !asked.has(id))
    .sort()
    .map((id) => ({
      scope: id,
      reason: 'the account is active in the organisation and not configured',
    }));
}

/** Scopes that say why an account was not asked. */
function unreachable(
  name: string,
  regions: Config['regions'],
  problem: { code: ProblemCode; message: string },
): Account {
  const names = regions === 'enabled' ? ['enabled'] : regions;
  return {
    id: undefined,
    members: undefined,
    membersUnknown: undefined,
    identities: [],
    leftOut: [],
    scopes: [
      { level: 'account', name, problem },
      ...names.map((region) => ({ level: 'region', name: `${name}/${region}`, problem })),
    ],
  };
}

/** Where the services that are one for a whole partition have their endpoints. */
function globalRegion(partition: string): string {
  if (partition === 'aws-cn') return 'cn-north-1';
  return partition === 'aws-us-gov' ? 'us-gov-west-1' : 'us-east-1';
}

/** @throws what is not a failure of collecting. */
function problemOf(thrown: unknown): { code: ProblemCode; message: string } {
  if (thrown instanceof CollectError) return { code: thrown.code, message: thrown.message };
  throw thrown;
}
