/**
 * A small report of half a month as a store would give it: its period is worked out by the rules
 * from nights that are told in a few words, the rest is what those nights would have said of
 * themselves. There is one of each kind: deviations that closed, opened again, are late, waived,
 * partly waived or events; gaps that can be closed and that cannot; a control that changed, one
 * that had nothing to do, one that only people can show; a draw; a night unsigned, one unstamped.
 */
import type { Control } from '../../src/controls/schema.ts';
import type { Waiver } from '../../src/controls/waivers.ts';
import { addDays, dayIn } from '../../src/evidence/days.ts';
import { TickmarkError } from '../../src/evidence/errors.ts';
import { sha256 } from '../../src/evidence/json.ts';
import type { StatusLine } from '../../src/evidence/result.ts';
import type { Call } from '../../src/evidence/slice.ts';
import type { SealedBundle } from '../../src/period/history.ts';
import { examine } from '../../src/period/period.ts';
import { populationOf } from '../../src/period/population.ts';
import type {
  RecordHistory,
  Report,
  ReportDetails,
  ReportItem,
  ReportPopulation,
  Sight,
} from '../../src/report/model.ts';
import {
  control,
  historyOf,
  test as plainTest,
  type SeenNight,
  type SeenSlice,
  type Statuses,
} from './histories.ts';

const period = { start: '2025-08-01', end: '2025-08-31', timezone: 'UTC' };
const now = new Date('2025-08-14T12:00:00.000Z');
const account = '123456789012';
const organisation = 'acme';

type Test = Control['tests'][number];

const check = (id: string, over: string, more: Partial<Test> & { title: string }): Test => ({
  ...plainTest(id, over),
  ...more,
});

const rootKey = check('aws-root-key', 'aws.iam.account_summary', {
  title: 'The root user has no access key',
  expect: '!it.root_access_key',
  remediation: 'Delete the access key of the root user.',
  severity: 'critical',
});
const mfa = check('aws-iam-mfa', 'aws.iam.credential_report', {
  title: 'Each IAM user with a console password has an MFA device',
  where: 'it.password_enabled == true',
  expect: 'it.mfa_active',
  remediation: 'Let the user register an MFA device, or remove the console password.',
  severity: 'high',
});
const admin = check('aws-iam-admin', 'aws.iam.users', {
  title: 'No IAM user has all rights',
  expect: '!it.is_admin',
  remediation: 'Take the policy with all rights away, and give the rights that are needed.',
  severity: 'critical',
});
const groups = check('aws-iam-grp', 'aws.iam.users', {
  title: 'IAM users have their rights by groups',
  expect: 'size(it.policies) <= params.most',
  remediation: 'Put the user into a group, and take the policies of its own away.',
  parameters: { most: { default: 0, description: 'Policies of its own that a user may have.' } },
});
const approved = check('chg-approve', 'github.changes', {
  title: 'Each change was approved independently before its merge',
  expect: 'it.approvals > 0',
  remediation: 'Have the change reviewed now, and write down what came out.',
  severity: 'high',
});
const deployed = check('chg-deploy', 'github.deployments', {
  title: 'Each deployment is of a reviewed commit',
  expect: 'it.is_reviewed',
  remediation: 'Review the commit, or deploy one that is reviewed.',
});
const protection = check('chg-conf', 'github.audit_log', {
  title: 'Each change of protection has a ticket',
  expect: 'it.ticket != ""',
  remediation: 'Write the ticket.',
  severity: 'low',
});

const leastPrivilege = control({
  id: 'AC-06',
  title: 'Least privilege',
  statement: 'Nobody has more rights than needed.',
  criteria: { soc2: ['CC6.1', 'CC6.3'], iso27001: ['A.8.2'] },
  owner: 'Head of infrastructure',
  tests: [admin, groups],
});

/** Before the fifth night least privilege said less. */
function controlsOf(night: number): Control[] {
  return [
    control({ id: 'AC-01', title: 'Root user', criteria: { soc2: ['CC6.1'] }, tests: [rootKey] }),
    control({
      id: 'AC-02',
      title: 'Multi-factor authentication',
      statement: 'Everybody who signs in with a password proves a second factor.',
      criteria: { soc2: ['CC6.1', 'CC6.6'], nist_csf: ['PR.AA-03'] },
      tests: [mfa],
    }),
    night < 5
      ? { ...leastPrivilege, statement: 'Nobody has all rights for everyday work.' }
      : leastPrivilege,
    control({
      id: 'CM-01',
      title: 'Independent approval',
      criteria: { soc2: ['CC8.1'] },
      frequency: 'per-event',
      tests: [approved],
    }),
    control({
      id: 'CM-06',
      title: 'Deployments of reviewed commits',
      criteria: { soc2: ['CC8.1'] },
      frequency: 'per-event',
      tests: [deployed],
    }),
    control({
      id: 'CM-08',
      title: 'Changes of protection',
      criteria: { soc2: ['CC8.1', 'CC7.2'] },
      frequency: 'per-event',
      tests: [protection],
    }),
    control({
      id: 'HR-01',
      title: 'Joiners are told the rules',
      criteria: { soc2: ['CC1.4'] },
      tests: [],
    }),
  ];
}

const user = (name: string) => `arn:aws:iam::${account}:user/${name}`;
const names: Record<string, string> = {
  [account]: 'root',
  PR_kwDOAbc1: 'acme/app#41 Say which limit was reached',
  PR_kwDOAbc2: 'acme/app#42 Mend the invoice, quickly',
  PR_kwDOAbc3: 'acme/app#43 Rotate the key',
  PR_kwDOAbc4: 'acme/web#7 Write the date as people do',
  AL_1: 'protected_branch.update_admin_enforced acme/app main',
};
const nameOf = (uid: string) => names[uid] ?? uid.slice(uid.lastIndexOf('/') + 1);

const waivers: Waiver[] = [
  {
    test: 'aws-iam-grp',
    resource: 'metrics-*',
    reason: 'Needs a right of its own until the group for exporters is there',
    approver: 'Grace Hopper',
    from: '2025-08-04',
    until: '2025-09-30',
    ticket: 'OPS-371',
    compensating_control: 'The policy gives one action only, and an alarm tells of its use',
  },
  {
    test: 'chg-approve',
    resource: '*Rotate the key',
    reason: 'The key had leaked; reviewed on the day after',
    approver: 'Grace Hopper',
    from: '2025-08-10',
    until: '2025-08-11',
  },
  {
    test: 'aws-iam-mfa',
    resource: 'nobody',
    scope: account,
    reason: 'Left the company',
    approver: 'Ada Lovelace',
    from: '2025-08-01',
    until: '2025-08-31',
  },
];
const waiversDigest = sha256('waivers');

const events: Record<number, { dataset: string; uid: string; at: string; statuses: Statuses }[]> = {
  3: [change('PR_kwDOAbc1', '2025-08-02T15:04:05.000Z', 'pass')],
  7: [change('PR_kwDOAbc2', '2025-08-06T21:30:00.000Z', 'fail')],
  11: [
    change('PR_kwDOAbc3', '2025-08-10T23:12:45.000Z', 'waived'),
    change('PR_kwDOAbc4', '2025-08-10T09:00:00.000Z', 'pass'),
  ],
  13: [
    {
      dataset: protection.over,
      uid: 'AL_1',
      at: '2025-08-12T10:00:00.000Z',
      statuses: { 'chg-conf': 'pass' },
    },
  ],
};

function change(uid: string, at: string, status: 'pass' | 'fail' | 'waived') {
  return { dataset: approved.over, uid, at, statuses: { 'chg-approve': status } };
}

function eventSlice(night: number, dataset: string): SeenSlice {
  const mine = (events[night] ?? []).filter((each) => each.dataset === dataset);
  const start = night === 1 ? '2025-08-01T00:00:00.000Z' : `${dayOf(night - 1)}T02:00:00.000Z`;
  return {
    source: 'github',
    scope: organisation,
    dataset,
    interval: { start, end: `${dayOf(night)}T02:00:00.000Z` },
    resources: Object.fromEntries(mine.map(({ uid, statuses }) => [uid, statuses])),
    at: Object.fromEntries(mine.map(({ uid, at }) => [uid, at])),
    ...(night === 10 && dataset === protection.over
      ? {
          outcome: 'failed' as const,
          resources: {},
          problem: {
            code: 'ServiceError' as const,
            message: 'GitHub answered 502 to every attempt; run again',
          },
        }
      : {}),
  };
}

function dayOf(night: number): string {
  return addDays(period.start, night - 1);
}

function statesOf(night: number): SeenSlice[] {
  // Created on the third without a device; registered on the sixth; lost again on the twelfth.
  const pia = night >= 12 || (night >= 3 && night < 6) ? 'fail' : 'pass';
  return [
    { dataset: rootKey.over, resources: { [account]: { 'aws-root-key': 'pass' } } },
    {
      dataset: mfa.over,
      ...(night === 9
        ? {
            outcome: 'failed' as const,
            problem: {
              code: 'Throttled' as const,
              message: 'iam:GenerateCredentialReport was throttled 15 times; run at a quieter time',
            },
          }
        : {
            resources: {
              [user('ada')]: { 'aws-iam-mfa': 'pass' },
              ...(night < 3 ? {} : { [user('finance-pia')]: { 'aws-iam-mfa': pia } }),
              [user('deploy')]: { 'aws-iam-mfa': 'not_applicable' },
            },
          }),
    },
    {
      dataset: admin.over,
      resources: {
        [user('ada')]: { 'aws-iam-admin': night < 2 ? 'pass' : 'fail', 'aws-iam-grp': 'pass' },
        [user('deploy')]: {
          'aws-iam-admin': 'pass',
          'aws-iam-grp': night < 8 ? 'pass' : 'fail',
        },
        [user('metrics-a')]: {
          'aws-iam-admin': 'pass',
          'aws-iam-grp': night < 4 ? 'fail' : 'waived',
        },
        ...(night < 5
          ? {}
          : { [user('metrics-b')]: { 'aws-iam-admin': 'pass', 'aws-iam-grp': 'waived' } }),
      },
    },
  ];
}

const nights = Array.from({ length: 14 }, (_each, index): SeenNight => {
  const night = index + 1;
  return {
    at: dayOf(night),
    controls: controlsOf(night),
    parameters: { 'aws-iam-grp': { most: 0 } },
    waivers: { file: 'waivers.yaml', digest: waiversDigest },
    slices: [
      ...statesOf(night),
      eventSlice(night, approved.over),
      eventSlice(night, deployed.over),
      eventSlice(night, protection.over),
    ],
  };
});

function sampleHistory() {
  const plain = historyOf(nights, {
    waivers: new Map([[waiversDigest, waivers]]),
    reachDays: new Map([[protection.over, 90]]),
  });
  const renamed = (line: StatusLine) =>
    line.about === undefined ? { ...line, name: nameOf(line.uid) } : line;
  return {
    ...plain,
    bundles: plain.bundles.map((bundle) => ({
      ...bundle,
      statuses: (bundle.statuses ?? []).map((group) =>
        group.map((chunk) => ({ ...chunk, lines: chunk.lines.map(renamed) })),
      ),
    })),
  };
}

/** The report of the first two weeks of August 2025, while the month is under way. */
export function sampleReport(): Report {
  const { bundles } = sampleHistory();
  const reported = examine(sampleHistory(), { period, now });
  const shown = bundles.map(({ manifest, digest }): Report['nights'][number] => ({
    sequence: manifest.sequence,
    run: manifest.run,
    digest,
    kind: 'run',
    day: dayIn(new Date(manifest.started_at), period.timezone),
    started_at: manifest.started_at,
    finished_at: manifest.finished_at,
    operator: 'https://ci.example/1',
    signed: manifest.sequence !== 2,
    stamped: manifest.sequence !== 3,
    simulated: manifest.clock === 'simulated',
    replayed: manifest.answers === 'replayed',
    slices: {
      complete: manifest.slices.filter(({ outcome }) => outcome === 'complete').length,
      partial: 0,
      failed: manifest.slices.filter(({ outcome }) => outcome === 'failed').length,
    },
  }));
  const definitions = new Map(controlsOf(nights.length).map((each) => [each.id, each]));
  return {
    format: 'tickmark-report/1',
    tool: { version: '0.1.0', commit: null },
    period: reported,
    marks: { unsigned: 1, unstamped: 1, simulated: 0, replayed: 0 },
    // The draw was sealed after the last night.
    redaction: null,
    head: { sequence: 15, digest: sha256('draw') },
    nights: shown,
    sources: [
      {
        id: 'production',
        use: 'aws',
        identities: [{ subject: `arn:aws:sts::${account}:assumed-role/tickmark/night`, account }],
        endpoints: ['https://iam.amazonaws.com'],
        left_out: [{ scope: '210987654321', reason: 'the account is suspended' }],
      },
      {
        id: 'github',
        use: 'github',
        identities: [{ subject: 'tickmark-acme[bot]', account: organisation }],
        endpoints: ['https://api.github.com'],
        left_out: [],
      },
    ],
    controls: reported.controls.map(({ id, tests }) => {
      const each = definitions.get(id) as Control;
      const files = reported.versions.find((one) => one.what === 'control' && one.id === id);
      return {
        id,
        title: each.title,
        statement: each.statement,
        criteria: each.criteria,
        category: each.category,
        owner: each.owner,
        remediation_days: each.remediation_days,
        files: (files?.versions ?? []).map(({ value, ...span }) => ({
          control: id,
          file: `${id}.yaml`,
          digest: value,
          ...span,
        })),
        tests: tests.map((test) => {
          const definition = each.tests.find((one) => one.id === test.id) as Test;
          return {
            id: test.id,
            title: test.title,
            where: definition.where ?? null,
            expect: definition.expect,
            remediation: definition.remediation,
            parameters: test.id === 'aws-iam-grp' ? { most: 0 } : {},
          };
        }),
      };
    }),
    samples: [
      {
        sequence: 15,
        run: '20250814T110000Z-5a3b1e',
        digest: sha256('draw'),
        sealed_at: '2025-08-14T11:00:02.000Z',
        test: 'chg-approve',
        period: { start: period.start, end: period.end },
        seed: '2025',
        size: 2,
        by: 'Auditor LLP',
        population: { count: 4, digest: sha256('population') },
        items: ['PR_kwDOAbc2', 'PR_kwDOAbc4'].map((uid) => ({
          source: 'github',
          scope: organisation,
          uid,
          name: nameOf(uid),
          stratum: null,
        })),
      },
    ],
  };
}

/** What belongs to `sampleReport`. */
export function sampleDetails(): ReportDetails {
  const history = sampleHistory();
  const sights = sightsOf(history.bundles);
  return {
    async population(test): Promise<ReportPopulation> {
      const found = populationOf(history, { period, now }, test);
      return {
        ...found,
        incomplete: found.gaps.map(({ from, to, why }) => `${from} to ${to}: ${why}`),
        items: found.items.map((item) => ({ ...item, stretches: stretchesOf(sights, test, item) })),
        tie_outs: [
          {
            source: found.kind === 'event' ? 'github' : 'production',
            scope: found.kind === 'event' ? organisation : account,
            ...{ slices: 14, counted: 14, matched: 14 },
            by: [{ by: 'a second count', slices: 14, matched: 14 }],
          },
        ],
        queries: [
          {
            source: found.kind === 'event' ? 'github' : 'production',
            scope: found.kind === 'event' ? organisation : account,
            service: found.kind === 'event' ? 'github' : 'iam',
            operation: `List ${found.dataset}`,
            parameters: { MaxItems: 1000 },
            pages: 1,
            nights: 14,
            from: `${dayOf(1)}T02:00:00.000Z`,
            to: `${dayOf(14)}T02:00:00.000Z`,
          },
        ],
      };
    },
    async *records(dataset): AsyncGenerator<RecordHistory> {
      const seen = sights.filter(({ line }) => line.dataset === dataset);
      if (seen.length === 0) throw new TickmarkError('NotFound', `no dataset ${dataset}`);
      for (const uid of [...new Set(seen.map(({ line }) => line.uid))].sort()) {
        const own = seen.filter(({ line }) => line.uid === uid);
        const [first, last] = [own[0], own.at(-1)];
        if (first === undefined || last === undefined) continue;
        const { source, scope, name } = first.line;
        yield {
          ...{ source, dataset, scope, uid },
          versions: [
            {
              from: first.sight,
              to: last.sight,
              nights: own.length,
              record: { uid, name, fields: { name }, original: { Id: uid, Name: name } },
              calls: [callAt(first.sight, dataset)],
            },
          ],
        };
      }
    },
  };
}

interface Seen {
  sight: Sight;
  line: StatusLine;
}

function sightsOf(bundles: readonly SealedBundle[]): Seen[] {
  return bundles.flatMap(({ manifest, statuses }) =>
    (statuses ?? [])
      .flat()
      .flatMap(({ lines }) => lines)
      .filter(({ about }) => about === undefined)
      .map((line) => ({ sight: { run: manifest.run, observed_at: manifest.started_at }, line })),
  );
}

function stretchesOf(
  sights: readonly Seen[],
  test: string,
  { uid, scope, source }: Pick<ReportItem, 'uid' | 'scope' | 'source'>,
): ReportItem['stretches'] {
  const stretches: ReportItem['stretches'] = [];
  for (const { sight, line } of sights) {
    const status = line.statuses[test];
    if (line.uid !== uid || line.scope !== scope || line.source !== source) continue;
    if (status === undefined) continue;
    const last = stretches.at(-1);
    if (last?.status === status) {
      last.to = sight;
      last.nights += 1;
    } else {
      const reason = `${line.name}: ${status}`;
      stretches.push({ status, from: sight, to: sight, nights: 1, reason });
    }
  }
  return stretches;
}

function callAt({ run, observed_at }: Sight, dataset: string): Call {
  return {
    id: `list:${dataset}`,
    service: 'iam',
    operation: `List ${dataset}`,
    region: 'us-east-1',
    parameters: { MaxItems: 1000 },
    page: 1,
    request_id: sha256(`${run} ${dataset}`).slice(0, 32),
    server_date: 'Fri, 01 Aug 2025 02:00:01 GMT',
    status: 200,
    attempts: 1,
    started_at: observed_at,
    finished_at: observed_at,
    endpoint: 'https://iam.amazonaws.com',
  };
}
