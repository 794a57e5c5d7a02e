/** From what GitHub tells of a pull request to what tests read (facts/traps: change management). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChangeFacts,
  changeOf,
  firstTold,
} from '../../../collectors/github/changes/change.ts';
import type { GitActor } from '../../../collectors/github/changes/git-actors.ts';
import type { PullCommit, PullRequest } from '../../../collectors/github/changes/pull-request.ts';
import type {
  CheckContext,
  PullEvent,
  Review,
} from '../../../collectors/github/changes/pull-request-queries.ts';

const mergedAt = '2026-01-05T10:30:00Z';
const oid = (digit: string) => digit.repeat(40);

function person(login: string): GitActor {
  return { name: login, email: `${login}@example.com`, user: { login } };
}

function stranger(name: string, email: string): GitActor {
  return { name, email, user: null };
}

const webFlow: GitActor = {
  name: 'GitHub',
  email: 'noreply@github.com',
  user: { login: 'web-flow' },
};

function commit(digit: string, by: GitActor | GitActor[], committer: GitActor | null = webFlow) {
  return { oid: oid(digit), authors: [by].flat(), committer } satisfies PullCommit;
}

let reviewsMade = 0;

function review(login: string | null, parts: Partial<Omit<Review, 'author'>> = {}): Review {
  reviewsMade += 1;
  return {
    id: `PRR_${reviewsMade}`,
    state: 'APPROVED',
    submittedAt: '2026-01-05T10:02:00Z',
    author: login === null ? null : { __typename: 'User', login, name: null },
    commit: { oid: oid('b') },
    authorCanPushToRepository: true,
    ...parts,
  };
}

function run(name: string, parts: Partial<Extract<CheckContext, { __typename: 'CheckRun' }>> = {}) {
  return {
    __typename: 'CheckRun' as const,
    name,
    status: 'COMPLETED',
    conclusion: 'SUCCESS',
    startedAt: '2026-01-05T10:00:00Z',
    completedAt: '2026-01-05T10:05:00Z',
    checkSuite: { app: { slug: 'github-actions' } },
    ...parts,
  };
}

function status(context: string, state: string, createdAt: string): CheckContext {
  return { __typename: 'StatusContext', context, state, createdAt };
}

/** By alice: commits a and b, of which b is the head. */
function pull(
  parts: Partial<Omit<PullRequest, 'node'>> & { node?: Partial<PullRequest['node']> } = {},
): PullRequest {
  const { node, ...lists } = parts;
  return {
    node: {
      id: 'PR_1',
      number: 12,
      title: 'Change',
      body: '',
      headRefName: 'feature',
      headRefOid: oid('b'),
      baseRefName: 'main',
      baseRefOid: oid('0'),
      mergedAt,
      author: { __typename: 'User', login: 'alice' },
      mergedBy: { __typename: 'User', login: 'carol' },
      mergeCommit: { oid: oid('c') },
      changedFiles: 1,
      repository: { id: 'R_1', nameWithOwner: 'acme/api' },
      ...node,
    },
    commits: [commit('a', person('alice')), commit('b', person('alice'))],
    reviews: [],
    events: [],
    labels: [],
    issues: [],
    checks: [],
    files: [],
    lacking: undefined,
    from: [],
    ...lists,
  };
}

const facts: ChangeFacts = {
  repository: 'acme/api',
  askedAt: new Date('2026-01-06T02:00:00Z'),
  before: undefined,
  requiredChecks: ['build'],
};

const reviewsOf = (parts: Parameters<typeof pull>[0], of = facts) =>
  changeOf(pull(parts), of).reviews ?? [];
const checksOf = (...checks: CheckContext[]) => changeOf(pull({ checks }), facts).checks ?? [];

describe('contributors', () => {
  const contributorsOf = (parts: Parameters<typeof pull>[0]) =>
    changeOf(pull(parts), facts).contributors;

  it('are author, commit authors, co-authors and committers (trap 35)', () => {
    const commits = [
      commit('a', [person('bob'), person('carol')], person('dave')),
      commit('b', person('alice')),
    ];
    expect(contributorsOf({ commits })).toEqual(['alice', 'bob', 'carol', 'dave']);
  });

  it('are not GitHub itself, with or without an account for it', () => {
    const commits = [
      commit('a', person('alice'), webFlow),
      commit('b', person('alice'), stranger('GitHub', 'noreply@github.com')),
    ];
    expect(contributorsOf({ commits })).toEqual(['alice']);
  });

  it('are those who force-pushed', () => {
    const events: PullEvent[] = [
      {
        __typename: 'HeadRefForcePushedEvent',
        createdAt: mergedAt,
        actor: { __typename: 'User', login: 'eve' },
      },
      { __typename: 'HeadRefForcePushedEvent', createdAt: mergedAt, actor: null },
    ];
    expect(contributorsOf({ events })).toEqual(['alice', 'eve', 'ghost']);
  });

  it('are named by mail, then by name, where GitHub knows no account', () => {
    const commits = [
      commit('a', [stranger('Dave', 'dave@example.net'), stranger('Erin', '')]),
      commit('b', stranger('', ''), null),
    ];
    expect(contributorsOf({ commits })).toEqual(['Erin', 'alice', 'dave@example.net', 'ghost']);
  });
});

describe('a reviewer', () => {
  const partOf = (login: string | null, parts: Parameters<typeof pull>[0] = {}) =>
    reviewsOf({ reviews: [review(login)], ...parts })[0]?.by_contributor;

  it('who wrote nothing is independent', () => {
    expect(partOf('bob')).toBe(false);
  });

  it.each<[string, Parameters<typeof pull>[0]]>([
    ['opened it', { node: { author: { __typename: 'User', login: 'bob' } } }],
    ['wrote a commit', { commits: [commit('a', person('bob')), commit('b', person('alice'))] }],
    ['is a co-author', { commits: [commit('b', [person('alice'), person('bob')])] }],
    ['committed', { commits: [commit('b', person('alice'), person('bob'))] }],
    [
      'force-pushed',
      {
        events: [
          {
            __typename: 'HeadRefForcePushedEvent',
            createdAt: mergedAt,
            actor: { __typename: 'User', login: 'bob' },
          },
        ],
      },
    ],
  ])('who %s is not (trap 35)', (_, parts) => {
    expect(partOf('bob', parts)).toBe(true);
  });

  it.each([
    ['the login as name', stranger('Bob', 'x@example.net')],
    ['the login as mailbox', stranger('X', 'bob@laptop.example')],
    ['the login behind a number', stranger('X', '123+bob@users.noreply.example.com')],
    ['neither name nor mail', stranger('', '')],
  ])('is not ruled out by a commit of no account with %s', (_, actor) => {
    expect(partOf('bob', { commits: [commit('b', actor)] })).toBe(true);
  });

  it('is not ruled out by a commit of no account under the name of the profile', () => {
    const author = { __typename: 'User', login: 'bob', name: 'Robert Roe' };
    const commits = [commit('b', stranger('robert roe ', 'rr@example.net'))];
    expect(reviewsOf({ reviews: [{ ...review('bob'), author }], commits })[0]).toMatchObject({
      reviewer: 'bob',
      by_contributor: true,
    });
  });

  it('is independent of a stranger with a name of his own', () => {
    const commits = [commit('b', stranger('Dave', 'dave@example.net'))];
    expect(partOf('bob', { commits })).toBe(false);
  });

  it('whose account was deleted is never independent', () => {
    expect(partOf(null)).toBe(true);
    expect(partOf('ghost')).toBe(true);
    expect(partOf(null, { node: { author: null } })).toBe(true);
  });

  it('of a change whose author is gone is somebody else', () => {
    expect(partOf('bob', { node: { author: null } })).toBe(false);
  });

  it('is told with the kind of account (trap 36)', () => {
    const author = { __typename: 'Bot', login: 'review-bot' };
    expect(reviewsOf({ reviews: [{ ...review('x'), author }] })[0]).toMatchObject({
      reviewer: 'review-bot',
      kind: 'Bot',
    });
  });
});

describe('the head of a review', () => {
  it('is the merged one or not, with the commits that came after (trap 37)', () => {
    const commits = [
      commit('a', person('alice')),
      commit('d', [person('dave'), person('alice')]),
      commit('b', person('alice')),
    ];
    const reviews = [review('bob', { commit: { oid: oid('a') } }), review('carol')];
    expect(reviewsOf({ commits, reviews })).toMatchObject([
      { on_head: false, commits_after: 2, authors_after: ['alice', 'dave'] },
      { on_head: true, commits_after: 0, authors_after: [] },
    ]);
  });

  it.each([
    ['is gone', null],
    ['was rewritten', { oid: oid('e') }],
  ])('that %s leaves every commit after it', (_, of) => {
    expect(reviewsOf({ reviews: [review('bob', { commit: of })] })[0]).toMatchObject({
      on_head: false,
      commits_after: 2,
      authors_after: ['alice'],
    });
  });
});

describe('the time of a review', () => {
  it('is before the merge up to its very second', () => {
    const at = (submittedAt: string) => reviewsOf({ reviews: [review('bob', { submittedAt })] })[0];
    expect(at(mergedAt)).toMatchObject({ before_merge: true, hours_after_merge: null });
    expect(at('2026-01-05T12:00:00Z')).toMatchObject({
      before_merge: false,
      hours_after_merge: 1.5,
    });
  });

  it('orders them', () => {
    const reviews = [
      review('bob', { submittedAt: '2026-01-05T10:10:00Z' }),
      review('carol', { submittedAt: '2026-01-05T10:00:00Z' }),
    ];
    expect(reviewsOf({ reviews }).map(({ reviewer }) => reviewer)).toEqual(['carol', 'bob']);
  });

  it('is none for a pending one, which is left out', () => {
    const reviews = [review('bob', { state: 'PENDING', submittedAt: null })];
    expect(reviewsOf({ reviews })).toEqual([]);
  });
});

describe('what a person said last (trap 38)', () => {
  const early = { submittedAt: '2026-01-05T09:00:00Z' };
  const late = { submittedAt: '2026-01-05T12:00:00Z' };
  const superseded = (...reviews: Review[]) =>
    reviewsOf({ reviews }).map((each) => each.superseded);

  it.each(['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED'] as const)(
    '%s undoes what was said before',
    (state) => {
      expect(superseded(review('bob', early), review('bob', { state }))).toEqual([true, false]);
    },
  );

  it('a comment undoes nothing', () => {
    expect(superseded(review('bob', early), review('bob', { state: 'COMMENTED' }))).toEqual([
      false,
      false,
    ]);
  });

  it('somebody else undoes nothing', () => {
    const other = review('carol', { state: 'CHANGES_REQUESTED' });
    expect(superseded(review('bob', early), other)).toEqual([false, false]);
  });

  it('what is said after the merge does not undo what stood at the merge', () => {
    const after = review('bob', { ...late, state: 'CHANGES_REQUESTED' });
    expect(superseded(review('bob', early), after)).toEqual([false, false]);
  });

  it('what is said after the merge undoes what was said after the merge', () => {
    const again = review('bob', { submittedAt: '2026-01-05T13:00:00Z', state: 'DISMISSED' });
    expect(superseded(review('bob', late), again)).toEqual([true, false]);
  });

  it('one deleted account never undoes what another said', () => {
    const first = review(null, { ...early, state: 'CHANGES_REQUESTED' });
    expect(superseded(first, review(null))).toEqual([false, false]);
  });
});

describe('a dismissal', () => {
  const dismissed = review('bob', { state: 'DISMISSED' });
  const at = (createdAt: string): PullEvent => ({
    __typename: 'ReviewDismissedEvent',
    createdAt,
    previousReviewState: 'APPROVED',
    review: { id: dismissed.id },
  });

  it('before the merge takes the approval away', () => {
    const events = [at('2026-01-05T10:20:00Z')];
    expect(reviewsOf({ reviews: [dismissed], events })[0]).toMatchObject({
      state: 'dismissed',
      dismissed_at: '2026-01-05T10:20:00Z',
    });
  });

  it('after the merge leaves what stood at the merge', () => {
    const events = [at('2026-01-05T11:00:00Z')];
    expect(reviewsOf({ reviews: [dismissed], events })[0]).toMatchObject({
      state: 'approved',
      dismissed_at: '2026-01-05T11:00:00Z',
    });
  });

  it('in the second of the merge counts as before it', () => {
    expect(reviewsOf({ reviews: [dismissed], events: [at(mergedAt)] })[0]?.state).toBe('dismissed');
  });

  it('of which the history tells nothing is one all the same', () => {
    expect(reviewsOf({ reviews: [dismissed] })[0]).toMatchObject({
      state: 'dismissed',
      dismissed_at: null,
    });
  });

  it('of a review after the merge is what it is', () => {
    const later = { ...dismissed, submittedAt: '2026-01-05T11:00:00Z' };
    const events = [at('2026-01-05T12:00:00Z')];
    expect(reviewsOf({ reviews: [later], events })[0]?.state).toBe('dismissed');
  });
});

describe('the right to push (trap 47)', () => {
  const reviews = [review('bob', { authorCanPushToRepository: false }), review('carol')];
  const rights = (of: ChangeFacts) => reviewsOf({ reviews }, of).map((each) => each.could_push);

  it('is told within two days of the merge', () => {
    expect(rights({ ...facts, askedAt: new Date('2026-01-07T10:30:00Z') })).toEqual([false, true]);
  });

  it('is not told later, since rights change', () => {
    expect(rights({ ...facts, askedAt: new Date('2026-01-07T10:30:01Z') })).toEqual([null, null]);
  });

  it('stays as it was told first, whatever it is now', () => {
    const before = firstTold(pull({ reviews }), facts);
    const now = reviews.map((each) => ({
      ...each,
      authorCanPushToRepository: !each.authorCanPushToRepository,
    }));
    for (const askedAt of [facts.askedAt, new Date('2026-02-01T00:00:00Z')]) {
      const again = reviewsOf({ reviews: now }, { ...facts, askedAt, before });
      expect(again.map((each) => each.could_push)).toEqual([false, true]);
    }
  });
});

describe('checks (trap 46)', () => {
  it('keep what they said', () => {
    expect(
      checksOf(
        run('build', { conclusion: 'SKIPPED' }),
        run('lint', { conclusion: 'NEUTRAL', checkSuite: { app: null } }),
        status('deploy', 'ERROR', '2026-01-05T10:10:00Z'),
        status('scan', 'PENDING', '2026-01-05T10:10:00Z'),
      ),
    ).toEqual([
      {
        check: 'build',
        app: 'github-actions',
        conclusion: 'skipped',
        completed_at: '2026-01-05T10:05:00Z',
        before_merge: true,
      },
      {
        check: 'deploy',
        app: null,
        conclusion: 'error',
        completed_at: '2026-01-05T10:10:00Z',
        before_merge: true,
      },
      {
        check: 'lint',
        app: null,
        conclusion: 'neutral',
        completed_at: '2026-01-05T10:05:00Z',
        before_merge: true,
      },
      { check: 'scan', app: null, conclusion: null, completed_at: null, before_merge: false },
    ]);
  });

  it('that end after the merge are not before it', () => {
    const late = run('build', { completedAt: '2026-01-05T10:30:01Z' });
    expect(checksOf(late)[0]?.before_merge).toBe(false);
  });

  const failed = run('build', {
    conclusion: 'FAILURE',
    startedAt: '2026-01-05T09:00:00Z',
    completedAt: '2026-01-05T09:05:00Z',
  });

  it('count with the latest run', () => {
    expect(checksOf(run('build'), failed)).toMatchObject([{ conclusion: 'success' }]);
  });

  it('count with the last run that began before the merge', () => {
    const again = run('build', {
      startedAt: '2026-01-05T11:00:00Z',
      completedAt: '2026-01-05T11:05:00Z',
    });
    expect(checksOf(failed, again)).toMatchObject([{ conclusion: 'failure', before_merge: true }]);
    expect(checksOf(again)).toMatchObject([{ conclusion: 'success', before_merge: false }]);
  });

  it('of one name by several stand side by side', () => {
    const other = run('build', { conclusion: 'FAILURE', checkSuite: { app: { slug: 'other' } } });
    expect(checksOf(run('build'), other).map(({ app, conclusion }) => [app, conclusion])).toEqual([
      ['github-actions', 'success'],
      ['other', 'failure'],
    ]);
  });

  it('are not said to be none where GitHub may have thrown them away', () => {
    const late = { ...facts, askedAt: new Date('2026-04-06T02:00:00Z') };
    expect(changeOf(pull({ checks: [] }), facts).checks).toEqual([]);
    expect(changeOf(pull({ checks: [] }), late)).not.toHaveProperty('checks');
    expect(changeOf(pull({ checks: [run('build')] }), late).checks).toHaveLength(1);
  });

  it('that are required stay as told first', () => {
    const before = firstTold(pull(), facts);
    const later = { ...facts, before, requiredChecks: ['build', 'scan'] };
    expect(changeOf(pull(), later).required_checks).toEqual(['build']);
  });

  it('that are required are left out where that is not told', () => {
    expect(changeOf(pull(), { ...facts, requiredChecks: undefined })).not.toHaveProperty(
      'required_checks',
    );
  });
});

describe('keys of tickets', () => {
  const keysOf = (title: string, body = '', headRefName = 'feature') =>
    changeOf(pull({ node: { title, body, headRefName } }), facts).ticket_keys;

  it('are found in title, text and branch', () => {
    expect(keysOf('OPS-12: mend', 'see (WEB-7).', 'SEC-9-rotate')).toEqual([
      'OPS-12',
      'SEC-9',
      'WEB-7',
    ]);
  });

  it.each(['ops-12', 'OPS-0', 'OPS-12a', 'CVE-2026-1234', 'xOPS-12', 'A-1', 'OPS-'])(
    '%s is none',
    (text) => {
      expect(keysOf(text)).toEqual([]);
    },
  );

  it('are found in time that grows with the text only', () => {
    const begun = performance.now();
    keysOf('A-'.repeat(30_000) + 'A'.repeat(60_000));
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

describe('what GitHub did not tell', () => {
  it.each<[keyof PullRequest, string[]]>([
    ['commits', ['commits', 'contributors', 'reviews']],
    ['events', ['contributors', 'reviews']],
    ['reviews', ['reviews']],
    ['checks', ['checks']],
    ['labels', ['labels']],
    ['issues', ['issues']],
    ['files', ['files']],
  ])('without %s leaves out %j and nothing else', (list, fields) => {
    const all = Object.keys(changeOf(pull(), facts));
    const told = Object.keys(changeOf(pull({ [list]: undefined }), facts));
    expect(all.filter((field) => !told.includes(field)).sort()).toEqual(fields);
  });
});

describe('of every pull request', () => {
  const logins = ['alice', 'bob', 'carol', null];
  const actor = fc.oneof(
    fc.constantFrom('alice', 'bob', 'carol').map(person),
    fc.constantFrom(stranger('Bob', 'b@example.net'), stranger('Dave', 'dave@example.net')),
  );
  const time = fc
    .integer({ min: 0, max: 120 })
    .map((minutes) => new Date(Date.parse(mergedAt) + (minutes - 60) * 60_000).toISOString());
  const anyReview = fc
    .record({
      login: fc.constantFrom(...logins),
      state: fc.constantFrom(
        'APPROVED' as const,
        'CHANGES_REQUESTED' as const,
        'COMMENTED' as const,
        'DISMISSED' as const,
      ),
      submittedAt: time,
      digit: fc.constantFrom('a', 'b', 'e'),
    })
    .map(({ login, digit, ...rest }) => review(login, { ...rest, commit: { oid: oid(digit) } }));
  const anyPull = fc
    .record({
      author: fc.constantFrom(...logins),
      commits: fc.tuple(actor, actor),
      reviews: fc.array(anyReview, { maxLength: 6 }),
    })
    .map(({ author, commits: [a, b], reviews }) =>
      pull({
        node: { author: author === null ? null : { __typename: 'User', login: author } },
        commits: [commit('a', a, a), commit('b', b, b)],
        reviews,
      }),
    );

  it('nobody approves a change that bears their name', () => {
    fc.assert(
      fc.property(anyPull, (each) => {
        const { reviews = [], contributors = [] } = changeOf(each, facts);
        for (const { reviewer, by_contributor } of reviews) {
          if (contributors.includes(reviewer)) expect(by_contributor).toBe(true);
        }
      }),
    );
  });

  it('a person has one decisive review before the merge, and one after, that stands', () => {
    fc.assert(
      fc.property(anyPull, (each) => {
        const { reviews = [] } = changeOf(each, facts);
        for (const login of ['alice', 'bob', 'carol']) {
          for (const before of [true, false]) {
            const said = reviews.filter(
              ({ reviewer, state, before_merge }) =>
                reviewer === login && state !== 'commented' && before_merge === before,
            );
            expect(said.filter(({ superseded }) => !superseded)).toHaveLength(said.length && 1);
          }
        }
      }),
    );
  });

  it('what comes after the merge changes nothing of what came before', () => {
    fc.assert(
      fc.property(anyPull, fc.array(anyReview), (each, more) => {
        const late = more.filter(
          ({ submittedAt }) => Date.parse(submittedAt ?? '') > Date.parse(mergedAt),
        );
        const early = (of: PullRequest) =>
          changeOf(of, facts).reviews?.filter(({ before_merge }) => before_merge);
        expect(early({ ...each, reviews: [...(each.reviews ?? []), ...late] })).toEqual(
          early(each),
        );
      }),
    );
  });

  it('no field depends on the order of the lists', () => {
    fc.assert(
      fc.property(anyPull, (each) => {
        const { commits = [], reviews = [] } = each;
        const times = new Set(reviews.map(({ submittedAt }) => submittedAt));
        fc.pre(times.size === reviews.length);
        const turned = { ...each, reviews: [...reviews].reverse(), labels: ['b', 'a'] };
        expect(changeOf(turned, facts)).toEqual(
          changeOf({ ...each, commits, labels: ['a', 'b'] }, facts),
        );
      }),
    );
  });
});
