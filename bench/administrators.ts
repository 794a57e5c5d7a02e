/**
 * What administrators change in an account from one night to the next: records as the collectors
 * would make them of the changed answers, in every dataset in which the change would show.
 */
import { type ReportRow, readRow } from '../collectors/aws/iam/credential-report.ts';
import { parsePolicyDocument } from '../collectors/aws/policy-document.ts';
import { readPublicAccessBlock } from '../collectors/aws/s3control/schema.ts';
import type { Registry } from '../src/collect/registry.ts';
import { canonicalJson, type Json, type JsonObject } from '../src/evidence/json.ts';
import type { Call, EvidenceRecord, Slice } from '../src/evidence/slice.ts';
import type { Dataset } from '../src/plugin.ts';
import { below, oneOf, type Random } from './random.ts';

/** One user and one bucket of so many changes in a night. */
const oneOfSoMany = 100;

/** AWS's policies that administrators attach; some user has each of them on the first night. */
export const attachedPolicies = [
  'arn:aws:iam::aws:policy/ReadOnlyAccess',
  'arn:aws:iam::aws:policy/SecurityAudit',
  'arn:aws:iam::aws:policy/job-function/ViewOnlyAccess',
];

/** What a record says; its uid, name and calls stay. */
type Saying = Pick<EvidenceRecord, 'fields' | 'original'>;

/** Of IAM's UserDetail, what is changed or read here. */
type UserDetail = JsonObject & {
  GroupList: string[];
  AttachedManagedPolicies: { PolicyArn: string; PolicyName: string }[];
  Tags?: { Key: string; Value: string }[];
};

/** The slices of one account, and who changes them. */
export class Administrators {
  readonly #tables: Map<string, Table>;
  readonly #account: string;
  /** What each policy and each group gives, by how it is reached: `group group-00001`, an ARN. */
  readonly #given = new Map<string, Json[]>();
  readonly #random: Random;

  /**
   * @param slices complete ones of one account; their records and calls are changed in place.
   * @throws Error where what is read here is not what the collectors read.
   */
  constructor(slices: readonly Slice[], { datasets }: Registry, random: Random) {
    this.#tables = new Map(
      slices.map((slice) => {
        const dataset = datasets.get(slice.dataset);
        if (dataset === undefined) throw new Error(`there is no dataset ${slice.dataset}`);
        return [slice.dataset, new Table(slice, dataset)];
      }),
    );
    this.#account = slices[0]?.scope ?? '';
    this.#random = random;
    const principals = this.#table('aws.iam.principals').records;
    for (const { fields } of principals.filter(({ fields }) => fields.kind === 'user')) {
      this.#learn(fields.statements as { policy: string; via: string }[]);
    }
    this.#assertReadAlike();
  }

  /**
   * One user in a hundred and one bucket in a hundred get another setting, evenly spread and others
   * every night, which is the worst for a store that cuts lists into chunks.
   * @param now when the night begins; the changes were made in the hours before.
   * @returns how many records changed.
   */
  change(night: number, now: Date): number {
    let changed = 0;
    for (const { uid } of chosen(this.#table('aws.iam.users').records, night)) {
      changed += this.#changeUser(
        uid,
        new Date(now.getTime() - hours(1 + below(14, this.#random))),
      );
    }
    for (const { uid } of chosen(this.#table('aws.s3.bucket_versioning').records, night)) {
      changed += this.#changeBucket(uid);
    }
    return changed;
  }

  #table(dataset: string): Table {
    const table = this.#tables.get(dataset);
    if (table === undefined) throw new Error(`the night has no slice of ${dataset}`);
    return table;
  }

  // --- Users ------------------------------------------------------------------------------

  #changeUser(arn: string, at: Date): number {
    const row = this.#table('aws.iam.credential_report').get(arn).original as ReportRow;
    const changes = [
      () => this.#changeDetail(arn, (detail) => this.#moved(detail)),
      () => this.#changeDetail(arn, (detail) => this.#attachedOrDetached(detail)),
    ];
    const hasPassword = row.password_enabled === 'true';
    const hasKey = row.access_key_1_last_rotated !== 'N/A';
    if (hasKey) changes.push(() => this.#changeRow(arn, rotated(at)));
    if (hasPassword) changes.push(() => this.#changeRow(arn, passwordChanged(at)));
    if (hasPassword) changes.push(() => this.#switchMfa(arn, row.mfa_active !== 'true'));
    if (!hasKey && !hasPassword)
      changes.push(() => this.#changeDetail(arn, (d) => this.#tagged(d)));
    return oneOf(changes, this.#random)();
  }

  /** In both datasets that are made of the user as the account lists it. */
  #changeDetail(arn: string, change: (detail: UserDetail) => UserDetail): number {
    const detail = change(this.#table('aws.iam.users').get(arn).original as UserDetail);
    this.#table('aws.iam.users').say(arn, { fields: userFields(detail), original: detail });
    const statements = this.#statementsOf(detail);
    this.#table('aws.iam.principals').say(arn, { fields: { statements }, original: detail });
    return 2;
  }

  #moved(detail: UserDetail): UserDetail {
    const groups = [...this.#given.keys()]
      .filter((via) => via.startsWith('group '))
      .map((via) => via.slice('group '.length))
      .filter((name) => !detail.GroupList.includes(name));
    return { ...detail, GroupList: [oneOf(groups, this.#random)] };
  }

  #attachedOrDetached(detail: UserDetail): UserDetail {
    const arn = oneOf(attachedPolicies, this.#random);
    const others = detail.AttachedManagedPolicies.filter(({ PolicyArn }) => PolicyArn !== arn);
    const one = { PolicyArn: arn, PolicyName: arn.slice(arn.lastIndexOf('/') + 1) };
    const had = others.length < detail.AttachedManagedPolicies.length;
    return { ...detail, AttachedManagedPolicies: had ? others : [...others, one] };
  }

  #tagged(detail: UserDetail): UserDetail {
    const before = detail.Tags?.[0]?.Value;
    const teams = Array.from({ length: 20 }, (_, index) => `team-${index}`);
    const team = oneOf(
      teams.filter((name) => name !== before),
      this.#random,
    );
    return { ...detail, Tags: [{ Key: 'team', Value: team }] };
  }

  #changeRow(arn: string, cells: ReportRow): number {
    const report = this.#table('aws.iam.credential_report');
    const row = { ...(report.get(arn).original as ReportRow), ...cells };
    report.say(arn, { fields: readRow(row, this.#account) as JsonObject, original: row });
    return 1;
  }

  /** A hardware device, which no list of virtual ones shows; the account counts it. */
  #switchMfa(arn: string, on: boolean): number {
    this.#changeRow(arn, { mfa_active: String(on) });
    const summary = this.#table('aws.iam.account_summary');
    const [root] = summary.records;
    if (root === undefined) throw new Error('the account summary is empty');
    const { SummaryMap } = root.original as { SummaryMap: Record<string, number> };
    const { MFADevices = 0, MFADevicesInUse = 0, ...others } = SummaryMap;
    const by = on ? 1 : -1;
    const counted = { MFADevices: MFADevices + by, MFADevicesInUse: MFADevicesInUse + by };
    summary.say(root.uid, { fields: {}, original: { SummaryMap: { ...others, ...counted } } });
    return 2;
  }

  #statementsOf({ AttachedManagedPolicies, GroupList }: UserDetail): Json[] {
    const ways = [
      ...AttachedManagedPolicies.map(({ PolicyArn }) => PolicyArn),
      ...GroupList.map((name) => `group ${name}`),
    ];
    return ways.flatMap((way) => {
      const statements = this.#given.get(way);
      if (statements === undefined) throw new Error(`nobody had ${way} on the first night`);
      return statements;
    });
  }

  #learn(statements: readonly { policy: string; via: string }[]): void {
    const ways = new Map<string, Json[]>();
    for (const statement of statements) {
      const way = statement.via === 'attached' ? statement.policy : statement.via;
      ways.set(way, [...(ways.get(way) ?? []), statement]);
    }
    for (const [way, list] of ways) this.#given.set(way, list);
  }

  /** What is made here of an answer that nobody changed must be what the collector made of it. */
  #assertReadAlike(): void {
    const assertAlike = ({ uid, fields }: EvidenceRecord, made: JsonObject) => {
      if (canonicalJson({ ...fields, ...made }) === canonicalJson(fields)) return;
      throw new Error(`${uid} is read otherwise here than by its collector`);
    };
    for (const record of this.#table('aws.iam.users').records) {
      assertAlike(record, userFields(record.original as UserDetail));
    }
    for (const record of this.#table('aws.iam.principals').records) {
      if (record.fields.kind !== 'user') continue;
      assertAlike(record, { statements: this.#statementsOf(record.original as UserDetail) });
    }
    for (const record of this.#table('aws.iam.credential_report').records) {
      assertAlike(record, readRow(record.original as ReportRow, this.#account) as JsonObject);
    }
  }

  // --- Buckets ----------------------------------------------------------------------------

  #changeBucket(arn: string): number {
    const { dataset, settings, absent } = oneOf(subResources, this.#random);
    const table = this.#table(dataset);
    const record = table.get(arn);
    const before = canonicalJson(record.original);
    const others = settings(arn).filter(({ original }) => canonicalJson(original) !== before);
    const setting = oneOf(others, this.#random);
    table.say(arn, setting);
    const asked = record.calls.find((id) => !id.startsWith('s3:ListBuckets'));
    // S3 answers 404 for a setting that a bucket does not have.
    table.answer(
      asked ?? '',
      setting.original === null
        ? { status: 404, ...(absent === undefined ? {} : { absent }) }
        : { status: 200 },
    );
    return 1;
  }
}

/** A slice whose records and calls are found by name and changed in place. */
class Table {
  readonly records: EvidenceRecord[];
  readonly #calls: Call[];
  readonly #places: Map<string, number>;
  readonly #callPlaces: Map<string, number>;
  readonly #schema: Dataset<object>['fields'];

  constructor({ records, calls }: Slice, { fields }: Dataset<object>) {
    this.records = records;
    this.#calls = calls;
    this.#places = new Map(records.map(({ uid }, place) => [uid, place]));
    this.#callPlaces = new Map(calls.map(({ id }, place) => [id, place]));
    this.#schema = fields;
  }

  get(uid: string): EvidenceRecord {
    const record = this.records[this.#places.get(uid) ?? -1];
    if (record === undefined) throw new Error(`there is no record of ${uid}`);
    return record;
  }

  /**
   * The record says something else from now on; fields that are not named stay.
   * @throws Error where that is not of the dataset's shape, or is what it said before.
   */
  say(uid: string, { fields, original }: Saying): void {
    const before = this.get(uid);
    const after = {
      ...before,
      fields: this.#schema.strict().parse({ ...before.fields, ...fields }) as JsonObject,
      original,
    };
    if (canonicalJson(after) === canonicalJson(before)) throw new Error(`${uid} did not change`);
    this.records[this.#places.get(uid) ?? -1] = after;
  }

  /** The call is answered otherwise from now on. */
  answer(id: string, { status, absent }: Pick<Call, 'status' | 'absent'>): void {
    const place = this.#callPlaces.get(id) ?? -1;
    const before = this.#calls[place];
    if (before === undefined) throw new Error(`there is no call ${id}`);
    const { absent: _absent, ...call } = before;
    this.#calls[place] = { ...call, status, ...(absent === undefined ? {} : { absent }) };
  }
}

/** One of a hundred, evenly spread; over a hundred nights each is chosen once. */
function chosen<T>(things: readonly T[], night: number): T[] {
  const count = Math.max(1, Math.round(things.length / oneOfSoMany));
  const stride = Math.floor(things.length / count);
  // 37 has no factor in common with 100; 7 keeps the chosen from being the same ones everywhere.
  return Array.from(
    { length: count },
    (_, at) => at * stride + ((at * 7 + night * 37) % stride),
  ).map((place) => things[place] as T);
}

function hours(count: number): number {
  return count * 3_600_000;
}

// --- IAM -----------------------------------------------------------------------------------

/** Those fields of aws.iam.users that change here. */
function userFields({ GroupList, AttachedManagedPolicies, Tags = [] }: UserDetail): JsonObject {
  return {
    groups: GroupList,
    attached_policies: AttachedManagedPolicies.map(({ PolicyArn }) => PolicyArn),
    tags: Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])),
  };
}

function reportTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, '+00:00');
}

/** A new key, which nobody has used yet. */
function rotated(at: Date): ReportRow {
  return {
    access_key_1_active: 'true',
    access_key_1_last_rotated: reportTime(at),
    access_key_1_last_used_date: 'N/A',
    access_key_1_last_used_region: 'N/A',
    access_key_1_last_used_service: 'N/A',
  };
}

function passwordChanged(at: Date): ReportRow {
  return { password_last_changed: reportTime(at), password_last_used: reportTime(at) };
}

// --- S3 ------------------------------------------------------------------------------------

/** A sub-resource of a bucket, and what administrators set it to; `original` null: to nothing. */
interface SubResource {
  dataset: string;
  /** S3's error where a bucket has none. */
  absent?: string;
  settings(bucketArn: string): Saying[];
}

const classifications = ['public', 'internal', 'confidential', 'personal'];

const subResources: SubResource[] = [
  {
    dataset: 'aws.s3.bucket_versioning',
    settings: () =>
      ['Enabled', 'Suspended'].map((status) => ({
        fields: { status },
        original: { Status: status },
      })),
  },
  {
    dataset: 'aws.s3.bucket_encryption',
    settings: () => [encryption('AES256', false), encryption('aws:kms', true)],
  },
  {
    dataset: 'aws.s3.bucket_public_access_block',
    absent: 'NoSuchPublicAccessBlockConfiguration',
    settings: () => [publicAccessBlock(undefined), publicAccessBlock(true)],
  },
  {
    dataset: 'aws.s3.bucket_policies',
    absent: 'NoSuchBucketPolicy',
    settings: (arn) => [
      { fields: { exists: false, statements: [] }, original: null },
      encryptedTransportOnly(arn),
    ],
  },
  {
    dataset: 'aws.s3.bucket_tags',
    absent: 'NoSuchTagSet',
    settings: () =>
      classifications.map((value) => ({
        fields: { tags: { 'data-classification': value } },
        original: { TagSet: [{ Key: 'data-classification', Value: value }] },
      })),
  },
];

function encryption(algorithm: string, bucketKey: boolean): Saying {
  const rule = {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: algorithm },
    BucketKeyEnabled: bucketKey,
  };
  return {
    fields: { algorithm, bucket_key: bucketKey },
    original: { ServerSideEncryptionConfiguration: { Rules: [rule] } },
  };
}

function publicAccessBlock(on: true | undefined): Saying {
  const configuration = on && {
    BlockPublicAcls: on,
    IgnorePublicAcls: on,
    BlockPublicPolicy: on,
    RestrictPublicBuckets: on,
  };
  return {
    fields: readPublicAccessBlock(configuration),
    original:
      configuration === undefined ? null : { PublicAccessBlockConfiguration: configuration },
  };
}

function encryptedTransportOnly(arn: string): Saying {
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'EncryptedTransportOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  });
  return {
    fields: { exists: true, statements: parsePolicyDocument(Policy) },
    original: { Policy },
  };
}
