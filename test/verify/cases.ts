/** Every code of a finding, with a store that produces it. */
import { manifestKey, signatureKey, tokenKey } from '../../src/seal/manifest.ts';
import { sumsFile } from '../../src/store/archive.ts';
import { objectKey } from '../../src/store/objects.ts';
import { type Sealing, Store } from '../../src/store/store.ts';
import type { Finding, FindingCode } from '../../src/verify/finding.ts';
import type { VerifyOptions } from '../../src/verify/verify.ts';
import { archiveOf, derivedFile, filesOf } from '../support/archives.ts';
import { type Authority, startAuthority } from '../support/authority.ts';
import {
  copyOf,
  fileOf,
  type NightsOptions,
  newSigner,
  rewrite,
  type SealedNights,
  sealedNights,
  tokenAt,
} from '../support/sealed-nights.ts';

export const signer = newSigner();
export const other = newSigner('other');
export const key = signer.publicKey.fingerprint;
const signed = (over: Partial<Sealing> = {}): Sealing => ({ signer, authorities: [], ...over });

const made = new Map<string, Promise<SealedNights>>();
let authority: Promise<Authority> | undefined;
const running = () => {
  authority ??= startAuthority();
  return authority;
};

/** Once all stores are made. */
export async function closeAuthority(): Promise<void> {
  await (await authority)?.close();
}

/** Twelve signed nights, made once for each name and damaged in a copy. */
async function nights(name = 'plain', options: NightsOptions = {}) {
  const making =
    made.get(name) ?? sealedNights({ bundles: 12, sealing: () => signed(), ...options });
  made.set(name, making);
  const whole = await making;
  const { backend, keys } = copyOf(whole);
  const digests = whole.bundles.map(({ digest }) => digest);
  const manifests = whole.bundles.map(({ manifest }) => manifest);
  const last = { sequence: 12, digest: digests[11] ?? '' };
  const held: Partial<VerifyOptions> = { keys: [signer.publicKey], heads: [last] };
  return { backend, keys, digests, manifests, held };
}

/** Behind the manifests are keys and control files alone. */
async function redactedNights() {
  const { keys, manifests, ...store } = await nights();
  const kept = manifests.flatMap(({ controls, signature }) => [
    ...controls.map(({ digest }) => digest),
    ...(signature?.signers ?? []),
  ]);
  const objects = new Set(kept.map(objectKey));
  for (const name of [...keys.keys()]) {
    if (name.startsWith('objects/') && !objects.has(name)) keys.delete(name);
  }
  return { ...store, keys, manifests, held: { ...store.held, redacted: true } };
}

/** The same, each with a token; `late` milliseconds after it ended. */
async function stampedNights(name = 'stamped', late: (sequence: number) => number = () => 2_000) {
  const { caPem } = await running();
  const store = await nights(name, {
    sealing: () => signed({ authorities: ['https://tsa.example'] }),
    sealed: async ({ manifest, digest }, store) => {
      const time = new Date(Date.parse(manifest.finished_at) + late(manifest.sequence));
      await store.keepToken(digest, await tokenAt(await running(), digest, time));
    },
  });
  return { ...store, held: { ...store.held, roots: [caPem] } };
}

export interface Case {
  what: string;
  severity: Finding['severity'];
  bundles: number[];
  store: () => Promise<{
    backend: SealedNights['backend'];
    keys: Map<string, Buffer>;
    held: Partial<VerifyOptions>;
    /** Where it is about an archive: every file of it. */
    archive?: Map<string, Buffer>;
  }>;
  openssl?: boolean;
}

export const all = Array.from({ length: 12 }, (_, index) => index + 1);

export const cases: Record<FindingCode, Case> = {
  NothingToVerify: {
    what: 'an empty folder',
    severity: 'break',
    bundles: [],
    store: async () => ({ ...copyOf({ keys: new Map() }), held: {} }),
  },
  MissingBundle: {
    what: 'two nights removed',
    severity: 'break',
    bundles: [5, 6],
    store: async () => {
      const store = await nights();
      for (const sequence of [5, 6]) store.keys.delete(manifestKey(sequence));
      return store;
    },
  },
  DamagedManifest: {
    what: 'a manifest that ends early',
    severity: 'break',
    bundles: [5],
    store: async () => {
      const store = await nights();
      store.keys.set(manifestKey(5), fileOf(store.keys, manifestKey(5)).subarray(0, -1));
      return store;
    },
  },
  WrongPlace: {
    what: 'a manifest in the place of another',
    severity: 'break',
    bundles: [5],
    store: async () => {
      const store = await nights();
      store.keys.set(manifestKey(5), fileOf(store.keys, manifestKey(6)));
      return store;
    },
  },
  ChainBroken: {
    what: 'a manifest that says something else, in good form',
    severity: 'break',
    bundles: [5],
    store: async () => {
      const store = await nights();
      const text = fileOf(store.keys, manifestKey(5)).toString();
      store.keys.set(manifestKey(5), Buffer.from(text.replace('Acme, Inc.', 'Acme, Ltd.')));
      return store;
    },
  },
  HeadMismatch: {
    what: 'the newest night cut off',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      store.keys.delete(manifestKey(12));
      return store;
    },
  },
  HeadNotGiven: {
    what: 'a head that is not the newest',
    severity: 'note',
    bundles: [11, 12],
    store: async () => {
      const store = await nights();
      return { ...store, held: { ...store.held, heads: [{ digest: store.digests[9] ?? '' }] } };
    },
  },
  DuplicateRun: {
    what: 'two bundles of one run',
    severity: 'break',
    bundles: [4, 5],
    store: async () => {
      const store = await nights();
      const run = store.manifests[3]?.run ?? '';
      return forged(store, 5, { run });
    },
  },
  Unsigned: {
    what: 'an unsigned bundle behind signed ones',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      await rewrite(store.keys, 12, (manifest) => ({ ...manifest, signature: null }));
      return store;
    },
  },
  SignatureMissing: {
    what: 'a signature removed',
    severity: 'break',
    bundles: [5],
    store: async () => {
      const store = await nights();
      store.keys.delete(signatureKey(store.digests[4] ?? ''));
      return store;
    },
  },
  BadSignature: {
    what: 'the signature of another night',
    severity: 'break',
    bundles: [5],
    store: async () => {
      const store = await nights();
      const elsewhere = fileOf(store.keys, signatureKey(store.digests[5] ?? ''));
      store.keys.set(signatureKey(store.digests[4] ?? ''), elsewhere);
      return store;
    },
  },
  WrongSigners: {
    what: 'a night that lets another key sign',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      await keep(store.keys, other.publicKey.der);
      const signers = [key, other.publicKey.fingerprint];
      return forged(store, 12, { signature: { key, previous_key: key, signers } });
    },
  },
  KeyNotIntroduced: {
    what: 'a night by a key that nobody introduced',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      const signers = [other.publicKey.fingerprint];
      await keep(store.keys, other.publicKey.der);
      const signature = { key: other.publicKey.fingerprint, previous_key: key, signers };
      await rewrite(store.keys, 12, (manifest) => ({ ...manifest, signature }), other);
      return store;
    },
  },
  KeyBegunAnew: {
    what: 'a lost key, and another that begins anew',
    severity: 'break',
    bundles: [7],
    store: () => begunAnew(),
  },
  KeyNotTrusted: {
    what: 'signatures by a key that was not given',
    severity: 'break',
    bundles: all,
    store: async () => ({ ...(await nights()), held: { keys: [other.publicKey.fingerprint] } }),
  },
  KeyNotHeld: {
    what: 'no key given',
    severity: 'note',
    bundles: all,
    store: async () => ({ ...(await nights()), held: {} }),
  },
  KeyIntroduced: {
    what: 'a key introduced by the one before',
    severity: 'note',
    bundles: [7],
    store: () => rotated(),
  },
  KeyRetired: {
    what: 'a key retired',
    severity: 'note',
    bundles: [9],
    store: () => rotated(),
  },
  NoTimestamp: { what: 'no authority', severity: 'note', bundles: all, store: () => nights() },
  Unstamped: {
    what: 'an authority that gave no token',
    severity: 'note',
    bundles: all.slice(10),
    store: () =>
      nights('unstamped', {
        sealing: (sequence) =>
          signed({ authorities: sequence > 10 ? ['https://tsa.example'] : [] }),
      }),
  },
  LateStamp: {
    what: 'a token of two hours after',
    severity: 'note',
    bundles: [6],
    store: () => stampedNights('late', (sequence) => (sequence === 6 ? 7_200_000 : 2_000)),
    openssl: true,
  },
  ClockAhead: {
    what: 'a token of an hour before',
    severity: 'note',
    bundles: [6],
    store: () => stampedNights('ahead', (sequence) => (sequence === 6 ? -3_600_000 : 2_000)),
    openssl: true,
  },
  BadToken: {
    what: 'the token of another night',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await stampedNights();
      const elsewhere = fileOf(store.keys, tokenKey(store.digests[4] ?? ''));
      store.keys.set(tokenKey(store.digests[11] ?? ''), elsewhere);
      return store;
    },
    openssl: true,
  },
  TokenMissing: {
    what: 'a token removed that a later night has seen',
    severity: 'break',
    bundles: [6],
    store: async () => {
      const store = await stampedNights();
      store.keys.delete(tokenKey(store.digests[5] ?? ''));
      return store;
    },
    openssl: true,
  },
  TokenChanged: {
    what: 'another good token in its place',
    severity: 'break',
    bundles: [6],
    store: async () => {
      const store = await stampedNights();
      const digest = store.digests[5] ?? '';
      const time = new Date('2026-01-06T02:00:30.000Z');
      store.keys.set(tokenKey(digest), await tokenAt(await running(), digest, time));
      return store;
    },
    openssl: true,
  },
  WrongTokenList: {
    what: 'a night that forgets a timestamp that was open',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights('unstamped 2', {
        sealing: () => signed({ authorities: ['https://tsa.example'] }),
      });
      const timestamps = { authorities: ['https://tsa.example'], tokens: [], missing: [1] };
      return forged(store, 12, { timestamps });
    },
  },
  AuthorityNotHeld: {
    what: "tokens without the authority's root",
    severity: 'note',
    bundles: all,
    store: async () => {
      const store = await stampedNights();
      return { ...store, held: { ...store.held, roots: [] } };
    },
    openssl: true,
  },
  ObjectMissing: {
    what: 'an object removed that every night needs',
    severity: 'break',
    bundles: all,
    store: async () => {
      const store = await nights();
      store.keys.delete(objectKey(store.manifests[1]?.controls[0]?.digest ?? ''));
      return store;
    },
  },
  ObjectDamaged: {
    what: 'an object exchanged for another',
    severity: 'break',
    bundles: [5],
    store: async () => {
      const store = await nights();
      const [five, six] = [4, 5].map((index) => store.manifests[index]?.slices[0]?.calls.receipts);
      store.keys.set(objectKey(five ?? ''), fileOf(store.keys, objectKey(six ?? '')));
      return store;
    },
  },
  ListBroken: {
    what: 'a list that says one line more than it has',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      const [first, ...more] = store.manifests[11]?.slices ?? [];
      if (first === undefined) throw new Error('night 12 has slices');
      const records = { ...first.records, count: first.records.count + 1 };
      const slices = [{ ...first, records }, ...more];
      return forged(store, 12, { slices });
    },
  },
  WrongControl: {
    what: 'the file of another control',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      const [first, second, ...more] = store.manifests[11]?.controls ?? [];
      if (first === undefined || second === undefined) throw new Error('there are three controls');
      const controls = [{ ...first, digest: second.digest }, second, ...more];
      return forged(store, 12, { controls });
    },
  },
  WrongAnswers: {
    what: 'an index of answers that is none',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      const answers = store.manifests[11]?.controls[0]?.digest ?? '';
      const sources = (store.manifests[11]?.sources ?? []).map((each) =>
        each.answers === undefined ? each : { ...each, answers },
      );
      return forged(store, 12, { sources });
    },
  },
  WrongWaivers: {
    what: 'a file of waivers that is none',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      const digest = store.manifests[11]?.controls[0]?.digest ?? '';
      return forged(store, 12, { waivers: { file: 'waivers.yaml', digest } });
    },
  },
  CountsDisagree: {
    what: 'a fail counted as a pass',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      const results = store.manifests[11]?.results;
      if (!results) throw new Error('night 12 has results');
      const { pass, fail } = results.counts;
      const counts = { ...results.counts, pass: pass + fail, fail: 0 };
      return forged(store, 12, { results: { ...results, counts } });
    },
  },
  StatusesDisagree: {
    what: 'the statuses of another night',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      const results = store.manifests[11]?.results;
      const { statuses } = store.manifests[10]?.results ?? {};
      if (!results || !statuses) throw new Error('nights 11 and 12 have results');
      return forged(store, 12, { results: { ...results, statuses } });
    },
  },
  WrongSample: {
    what: 'items that another seed draws',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights('drawn', { sample: 12 });
      const { sample } = store.manifests[11] ?? {};
      if (!sample) throw new Error('bundle 12 is a draw');
      return forged(store, 12, { sample: { ...sample, seed: 'another' } });
    },
  },
  ForeignResult: {
    what: 'results of a control that is not named',
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      return forged(store, 12, { controls: store.manifests[11]?.controls.slice(1) ?? [] });
    },
  },
  WrongEvidence: {
    what: "an evaluation of slices that are not the evidence's",
    severity: 'break',
    bundles: [12],
    store: async () => {
      const store = await nights();
      const run = store.manifests[4]?.run ?? '';
      const digest = store.digests[4] ?? '';
      return forged(store, 12, { kind: 'evaluate', evidence_of: { run, digest } });
    },
  },
  FalseCoverage: {
    what: 'a slice that hides a night without events',
    severity: 'break',
    bundles: [7, 8, 9, 10, 11, 12],
    store: () =>
      nights('false coverage', {
        alterSlice: (slice, sequence) =>
          sequence === 6 && slice.interval !== undefined
            ? { ...slice, outcome: 'partial', problems: [denied] }
            : slice,
      }),
  },
  Uncovered: {
    what: 'a night without events that those behind it own up to',
    severity: 'note',
    bundles: [6],
    store: () =>
      nights('uncovered', {
        alterSlice: (slice, sequence) => {
          if (slice.interval === undefined || sequence < 6) return slice;
          if (sequence === 6) return { ...slice, outcome: 'partial', problems: [denied] };
          const covered_since = '2026-01-06T02:00:00.000Z';
          return { ...slice, interval: { ...slice.interval, covered_since } };
        },
      }),
  },
  SumsDamaged: {
    what: 'an archive whose list of files has a line that is none',
    severity: 'break',
    bundles: [],
    store: () => archived((files) => files.set(sumsFile, Buffer.from('nothing\n'))),
  },
  FileChanged: {
    what: 'a population with another name in it',
    severity: 'break',
    bundles: [],
    store: () => archived((files) => files.set(derivedFile, Buffer.from('uid,name\r\n2,bob\r\n'))),
  },
  FileMissing: {
    what: 'a population taken away',
    severity: 'break',
    bundles: [],
    store: () => archived((files) => files.delete(derivedFile)),
  },
  FileUnlisted: {
    what: 'a file beside those that were exported',
    severity: 'break',
    bundles: [],
    store: () => archived((files) => files.set('AC-01/more.csv', Buffer.from('uid'))),
  },
  ReportsNotSealed: {
    what: 'an archive, whoever made it',
    severity: 'note',
    bundles: [],
    store: () => archived(() => {}),
  },
  Redacted: {
    what: 'an archive with nothing but keys and control files behind its manifests',
    severity: 'note',
    bundles: all,
    store: () => redactedNights(),
  },
  NotRedacted: {
    what: 'an archive that says that its evidence was left out, with some of it',
    severity: 'break',
    bundles: [],
    store: async () => {
      const store = await redactedNights();
      const { records } = store.manifests[2]?.slices[0] ?? {};
      const left = objectKey(records?.chunks ?? '');
      store.keys.set(left, (await nights()).keys.get(left) as Buffer);
      return store;
    },
  },
  SimulatedClock: {
    what: 'a clock that a person set',
    severity: 'note',
    bundles: [6],
    store: () =>
      nights('simulated', {
        alter: (draft, sequence) => (sequence === 6 ? { ...draft, clock: 'simulated' } : draft),
        alterSlice: ownUp,
      }),
  },
  Replayed: {
    what: 'recorded exchanges',
    severity: 'note',
    bundles: [6],
    store: () =>
      nights('replayed', {
        alter: (draft, sequence) => (sequence === 6 ? { ...draft, answers: 'replayed' } : draft),
        alterSlice: ownUp,
      }),
  },
  ClockWentBack: {
    what: 'a night that ended before the night before',
    severity: 'note',
    bundles: [6],
    store: () =>
      nights('back', {
        alter: (draft, sequence) =>
          sequence === 6 ? { ...draft, finished_at: '2026-01-04T00:00:00.000Z' } : draft,
      }),
  },
  ControlChanged: {
    what: 'a parameter that was set',
    severity: 'note',
    bundles: [6],
    store: () =>
      nights('changed', {
        alter: (draft, sequence) =>
          sequence < 6 ? draft : { ...draft, parameters: { 'users-mfa': { days: 90 } } },
      }),
  },
  ToolChanged: {
    what: 'another version of the program',
    severity: 'note',
    bundles: [6],
    store: () =>
      nights('tool', {
        alter: (draft, sequence) =>
          sequence < 6 ? draft : { ...draft, tool: { ...draft.tool, version: '0.2.0' } },
      }),
  },
  Leftover: {
    what: 'an object that no manifest names',
    severity: 'note',
    bundles: [],
    store: async () => {
      const store = await nights();
      await keep(store.keys, Buffer.from('left over'));
      return store;
    },
  },
  UnknownFile: {
    what: 'a file that somebody put there',
    severity: 'note',
    bundles: [],
    store: async () => {
      const store = await nights();
      store.keys.set('bundles/notes.txt', Buffer.from('mine'));
      return store;
    },
  },
};

/** The archive of a store that is whole, with something changed around the store. */
async function archived(change: (files: Map<string, Buffer>) => unknown) {
  const store = await nights();
  const archive = await archiveOf(store.keys);
  change(archive);
  return { ...store, archive, held: { ...store.held, files: filesOf(archive) } };
}

const denied = { code: 'AccessDenied', message: 'not allowed', severity: 'error' } as const;

/** Claims nothing of the night that does not count. */
const ownUp: NonNullable<NightsOptions['alterSlice']> = (slice, sequence) =>
  slice.interval === undefined || sequence < 7
    ? slice
    : {
        ...slice,
        interval: { ...slice.interval, covered_since: '2026-01-06T02:00:00.000Z' },
      };

/** A manifest that says something else, signed by the key: what only its owner can do. */
async function forged(
  store: Awaited<ReturnType<typeof nights>>,
  sequence: number,
  change: Partial<(typeof store.manifests)[number]>,
) {
  const { keys, held } = store;
  await rewrite(
    keys,
    sequence,
    (manifest) => (manifest.sequence === sequence ? { ...manifest, ...change } : manifest),
    signer,
  );
  return { ...store, held: { ...held, heads: [] } };
}

async function keep(keys: Map<string, Buffer>, bytes: Uint8Array): Promise<void> {
  const copy = copyOf({ keys });
  await new Store(copy.backend).writeBytes(bytes);
  for (const [name, file] of copy.keys) keys.set(name, file);
}

export async function begunAnew() {
  const store = await nights('anew', {
    sealing: (sequence) =>
      sequence < 7 ? signed() : signed({ signer: other, anew: sequence === 7 }),
    alter: (draft, sequence) =>
      sequence === 7
        ? { ...draft, kind: 'keys', controls: [], sources: [], slices: [], results: null }
        : draft,
    alterSlice: (slice, sequence) =>
      sequence < 8 || slice.interval === undefined
        ? slice
        : { ...slice, interval: { ...slice.interval, covered_since: '2026-01-07T02:00:00.000Z' } },
  });
  return store;
}

/** Bundle 7 introduces a key, which signs from 8 on; 9 retires the first. */
export async function rotated() {
  return nights('rotated', {
    sealing: (sequence) =>
      sequence < 7
        ? signed()
        : sequence === 7
          ? signed({ introduce: other.publicKey })
          : signed({ signer: other, ...(sequence === 9 ? { retire: key } : {}) }),
    alter: (draft, sequence) =>
      sequence === 7 || sequence === 9
        ? { ...draft, kind: 'keys', controls: [], sources: [], slices: [], results: null }
        : draft,
    alterSlice: (slice, sequence) => {
      if (slice.interval === undefined || sequence < 8) return slice;
      const covered_since = `2026-01-0${sequence < 10 ? 7 : 9}T02:00:00.000Z`;
      return { ...slice, interval: { ...slice.interval, covered_since } };
    },
  });
}
