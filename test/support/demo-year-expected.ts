/**
 * What the demo's year must report: every deviation, gap and change of what judged it. Written by
 * hand from what the year was told to be (scripts/demo-aws-year.ts, scripts/demo-github-year.ts,
 * fixtures/demo/year.json), never from what the program said of it.
 *
 * A run begins at 02:00 UTC each night. What somebody did at noon of the 4th is seen first in the
 * night of the 5th: it opened after the night of the 4th and by that of the 5th.
 */

/** A night, or the day of an event. */
type Day = string;

/** Something that was found wrong in the nights, as it stood there. */
export interface ExpectedDeviation {
  test: string;
  /** The resource's name; `*` stands for the id of a commit. */
  resource: string;
  opened: {
    /** The last night that saw it otherwise; null: none did. */
    after: Day | null;
    /** The first that saw it so. */
    by: Day;
    how: 'failed' | 'created' | 'entered the population' | 'first seen';
  };
  /** Null: open at the end of the year. */
  closed: { after: Day; by: Day; how: 'mended' | 'deleted' | 'left the population' } | null;
  /** Days on which it failed, one after the other, and those on which that was waived. */
  spans: [status: 'fail' | 'waived', from: Day, to: Day][];
  /** Nights that saw it fail, the waived ones among them; nights meanwhile that could not tell. */
  nights: { failing: number; waived: number; unseen: number };
  /** Whole days from the first fail to the last, and from the pass before to the pass after. */
  days: { least: number; most: number };
  /** How often it had happened before. */
  recurrence: number;
}

/** One failed in the nights `from` to `to`, all of them, and was mended. */
function failed(
  test: string,
  resource: string,
  [from, to]: [from: Day, to: Day],
  nights: number,
): ExpectedDeviation {
  return {
    test,
    resource,
    opened: { after: dayBefore(from), by: from, how: 'failed' },
    closed: { after: to, by: dayAfter(to), how: 'mended' },
    spans: [['fail', from, to]],
    nights: { failing: nights, waived: 0, unseen: 0 },
    days: { least: nights - 1, most: nights + 1 },
    recurrence: 0,
  };
}

const dayMs = 86_400_000;

function dayAfter(day: Day, days = 1): Day {
  return new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10);
}

function dayBefore(day: Day): Day {
  return dayAfter(day, -1);
}

/** Of what was looked at night after night, in the order of opening. */
export const expectedDeviations: ExpectedDeviation[] = [
  // Joined on 17 February at 10:00; the identity provider knew her on the 19th at 09:00.
  {
    ...failed('gh-sso', 'judy', ['2025-02-18', '2025-02-19'], 2),
    opened: { after: '2025-02-17', by: '2025-02-18', how: 'created' },
  },
  // Joined on 4 March at 09:30; the second factor came on the 10th at 08:50.
  {
    ...failed('aws-iam-mfa', 'finance-pia', ['2025-03-05', '2025-03-10'], 6),
    opened: { after: '2025-03-04', by: '2025-03-05', how: 'created' },
  },
  // Open from 7 April, 11:20, to the 10th, 15:05.
  failed('s3-pub', 'acme-assets', ['2025-04-08', '2025-04-10'], 3),
  // Left on 14 March, and used the key then for the last time; it went with the user on 12 May.
  {
    ...failed('aws-cred-idle', 'ops-kim', ['2025-04-29', '2025-05-12'], 14),
    closed: { after: '2025-05-12', by: '2025-05-13', how: 'deleted' },
  },
  // Made on 2 June at 13:00 without a policy, and deleted on 4 July at 17:30.
  {
    ...failed('s3-tls', 'acme-migration', ['2025-06-03', '2025-07-04'], 32),
    opened: { after: '2025-06-02', by: '2025-06-03', how: 'created' },
    closed: { after: '2025-07-04', by: '2025-07-05', how: 'deleted' },
  },
  // Opened on 5 May at 06:10: thirty days later at 06:10 it was too old. Fixed on 17 June at 13:40.
  {
    ...failed('gh-depend', 'acme/api#dependabot-12', ['2025-06-05', '2025-06-17'], 13),
    closed: { after: '2025-06-17', by: '2025-06-18', how: 'deleted' },
  },
  // The key was of 8 April: old enough for 90 days, too old for 60, which is what counted from
  // 15 June on. Replaced on the 18th at 10:00.
  failed('aws-key-age', 'ci-deploy', ['2025-06-15', '2025-06-18'], 4),
  // Came from outside on 7 July at 09:00, and set the second factor up on the 9th at 11:00.
  {
    ...failed('gh-2fa-user', 'oscar', ['2025-07-08', '2025-07-09'], 2),
    opened: { after: '2025-07-07', by: '2025-07-08', how: 'created' },
  },
  // Judy took main's protection away on 16 July at 09:40; Frank put it back on the 18th at 10:00.
  failed('gh-checks', 'acme/mobile@main', ['2025-07-17', '2025-07-18'], 2),
  failed('gh-ownersfile', 'acme/mobile', ['2025-07-17', '2025-07-18'], 2),
  failed('gh-prot', 'acme/mobile@main', ['2025-07-17', '2025-07-18'], 2),
  // A policy of its own from 21 July, 15:40, to 14 October, 10:00. Waived for August and September
  // and a little before; the waiver ended a fortnight too early. A week of it nobody saw.
  {
    test: 'aws-iam-grp',
    resource: 'metrics-exporter',
    opened: { after: '2025-07-21', by: '2025-07-22', how: 'failed' },
    closed: { after: '2025-10-14', by: '2025-10-15', how: 'mended' },
    spans: [
      ['fail', '2025-07-22', '2025-07-27'],
      ['waived', '2025-07-28', '2025-09-30'],
      ['fail', '2025-10-01', '2025-10-14'],
    ],
    // Six, 65 without the seven of the week, and fourteen.
    nights: { failing: 78, waived: 58, unseen: 0 },
    days: { least: 84, most: 86 },
    recurrence: 0,
  },
  // Everything was allowed to it from 5 August, 16:20, to the 20th, 09:15: the week lies between.
  {
    ...failed('aws-iam-admin', 'Support', ['2025-08-06', '2025-08-20'], 15),
    // Five and three: the week had no nights.
    nights: { failing: 8, waived: 0, unseen: 0 },
  },
  // Sixty days after 15 July, 09:10, its key was too old; replaced on 17 September at 09:00.
  failed('aws-key-age', 'backup-agent', ['2025-09-14', '2025-09-17'], 4),
  // Installed on 21 October at 15:30, and gone on the 23rd at 11:00.
  {
    ...failed('gh-apps', 'code-assistant', ['2025-10-22', '2025-10-23'], 2),
    opened: { after: '2025-10-21', by: '2025-10-22', how: 'created' },
    closed: { after: '2025-10-23', by: '2025-10-24', how: 'deleted' },
  },
  // Passwords may be short since 12 November, 16:00. What the night after the year saw of it is
  // no part of the year.
  {
    test: 'aws-pwpol',
    resource: '123456789012',
    opened: { after: '2025-11-12', by: '2025-11-13', how: 'failed' },
    closed: null,
    spans: [['fail', '2025-11-13', '2025-12-31']],
    // 18 + 31
    nights: { failing: 49, waived: 0, unseen: 0 },
    // To the year's last night, and from the night before to the year's end.
    days: { least: 48, most: 50 },
    recurrence: 0,
  },
  // Late once more: sixty days after 17 September, 09:00; replaced on 21 November at 14:00.
  {
    ...failed('aws-key-age', 'backup-agent', ['2025-11-17', '2025-11-21'], 5),
    recurrence: 1,
  },
  // Classified on 2 December at 12:00; a key of Acme's own encrypts it since the 5th, 15:30.
  failed('s3-sse', 'acme-exports', ['2025-12-03', '2025-12-05'], 3),
];

/** Something that happened and should not have, as it was judged last. */
export interface ExpectedEvent {
  test: string;
  /** As in `ExpectedDeviation`. */
  resource: string;
  /** When it happened; where GitHub does not tell, the nights between which it was found. */
  at: string | [after: Day, by: Day];
  /** The first night that judged it: a day later, or after the week without runs. */
  night: Day;
}

/** In the order of time. */
export const expectedEvents: ExpectedEvent[] = [
  // Grace merged her own change past the rule, and nobody approved it, then or later.
  {
    test: 'chg-approve',
    resource: 'acme/infra#133',
    at: '2025-03-20T18:10:00Z',
    night: '2025-03-21',
  },
  { test: 'chg-bypass', resource: 'acme/infra@*', at: '2025-03-20T18:10:00Z', night: '2025-03-21' },
  // Six weeks for an alert that may be open for thirty days.
  {
    test: 'gh-alerts-closed',
    resource: 'acme/api#dependabot-12',
    at: '2025-06-17T13:40:00Z',
    night: '2025-06-18',
  },
  // Judy, who may not, took the protection away and pushed.
  {
    test: 'chg-conf',
    resource: 'acme/mobile protected_branch.destroy',
    at: '2025-07-16T09:40:00Z',
    night: '2025-07-17',
  },
  {
    test: 'chg-direct',
    resource: 'acme/mobile@*',
    at: ['2025-07-16', '2025-07-17'],
    night: '2025-07-17',
  },
  // Without a ticket, in the week without runs: the next run told of it.
  { test: 'chg-ticket', resource: 'acme/web#912', at: '2025-08-13T14:20:00Z', night: '2025-08-18' },
  // A check that was skipped.
  { test: 'chg-test', resource: 'acme/web#930', at: '2025-12-09T15:10:00Z', night: '2025-12-10' },
];

/**
 * An emergency: merged on 22 May at 22:14 and deployed at 22:24, approved on the 23rd at 08:40.
 * Within the rule, so that it is no deviation; the night between could not know.
 */
export const expectedEmergency = {
  fails: '2025-05-23',
  passes: '2025-05-24',
  rows: [
    { test: 'chg-approve', resource: 'acme/api#435' },
    { test: 'chg-bypass', resource: 'acme/api@*' },
    { test: 'chg-deploy', resource: 'acme/api@*' },
  ],
};

/** Days without complete evidence. Neither can be closed: nobody tells what was. */
export const expectedGaps = {
  /** Of every test of what is looked at night after night. */
  noRun: { from: '2025-08-11', to: '2025-08-17', occurrences: 7 },
  /** AWS made no credential report that night. */
  throttled: {
    from: '2025-10-09',
    to: '2025-10-09',
    occurrences: 1,
    tests: ['aws-cred-idle', 'aws-iam-fed', 'aws-iam-mfa', 'aws-key-age'],
  },
};

/** What changed of that which judges, with the nights that each version judged. */
export const expectedVersions = {
  what: 'parameters',
  id: 'aws-key-age',
  versions: [
    // 31 + 28 + 31 + 30 + 31 + 14
    { value: { max_days: 90 }, from: '2025-01-01', to: '2025-06-14', nights: 165 },
    // 16 + 31 + 31 - 7 + 30 + 31 + 30 + 31, and the night after the year
    { value: { max_days: 60 }, from: '2025-06-15', to: '2025-12-31', nights: 194 },
  ],
};

/** How many of each there were in the year, whether they were right or not. */
export const expectedPopulations: Record<string, number> = {
  // 51 weeks by turns: api 51, web 50, mobile 26, infra 25. Beside them six of the bot, the
  // emergency, what nobody approved, what had no ticket, and the skipped check.
  'chg-approve': 162,
  // Each merge is one commit; and what Judy pushed.
  'chg-direct': 163,
  'chg-bypass': 2,
  // Every fifth of 51 in api, every sixth of 52 in web, and the emergency.
  'chg-deploy': 19,
  'chg-conf': 4,
  'gh-alerts-closed': 4,
  // Nora, Omar, Pia, and the one for emergencies.
  'aws-iam-mfa': 4,
  // Five, and the one that was there for a month.
  's3-tls': 6,
  // Alice, eight others from the beginning, Judy, Ken and Liam; and Oscar from outside.
  'gh-2fa-user': 13,
};
