/**
 * A year of nights over a big account of which one in a hundred users and buckets changes each
 * night: what the store comes to, how long it takes to verify it, and what it takes to export it.
 *
 * The first night is collected by the command line. A stand-in is too slow for 364 more, so what
 * they saw is made of what the first one saw (administrators.ts, receipts.ts); from there on it
 * goes the way of every night: written, read back, judged, sealed.
 */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { CommandIo } from '../src/cli/command.ts';
import { commonDraft, judge, newRunId } from '../src/cli/night.ts';
import { openProject, type Project } from '../src/cli/project.ts';
import { createTerminal } from '../src/cli/terminal.ts';
import type { Call, Slice } from '../src/evidence/slice.ts';
import type { Bundle, Manifest } from '../src/seal/manifest.ts';
import { generateKeyPair, pemSigner, type Signer } from '../src/seal/signature.ts';
import type { Backend } from '../src/store/backend.ts';
import { readTexts } from '../src/store/chunks.ts';
import { folderBackend } from '../src/store/folder.ts';
import { readChunks } from '../src/store/lists.ts';
import { readObject } from '../src/store/objects.ts';
import { Store } from '../src/store/store.ts';
import { startStandIn } from '../test/support/aws-stand-in.ts';
import { type AwsWorld, bigWorld, factsOf, seed } from '../test/support/aws-world.ts';
import { startMoto } from '../test/support/moto.ts';
import { Administrators, attachedPolicies } from './administrators.ts';
import { exportFigures } from './export.ts';
import { type Figure, median } from './figures.ts';
import { bytesByPart, listsOf, type Part, parts, partsOf, receiptsOf } from './parts.ts';
import { randomFrom } from './random.ts';
import { type Asked, askedAgain } from './receipts.ts';
import { type Measured, measure } from './tickmark.ts';

const size = { users: 10_000, roles: 100, groups: 50, buckets: 2000 };
const nights = 365;
const firstNight = '2025-01-01T02:00:00Z';
const day = 24 * 3_600_000;
/** Schedulers are seconds late, and not each night the same. */
const mostSecondsLate = 60;
const nightsBetweenLines = 20;
const millisecondsBetweenWakings = 5_000;

/** Against as many copies of the first night, compressed alike. */
const mostOfCopies = 1 / 20;
const mostVerifySeconds = 60;
const mostVerifyMegabytes = 600;

interface Night {
  bundle: Bundle;
  seconds: number;
  /** What it added to the store. */
  byPart: Record<Part, number>;
}

/** Needs moto_server on the PATH. */
export async function yearFigures(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tickmark-bench-'));
  try {
    const key = generateKeyPair();
    const io: CommandIo = {
      terminal: createTerminal(process.env),
      env: process.env,
      signal: new AbortController().signal,
    };
    await writeFile(
      join(folder, 'tickmark.yaml'),
      JSON.stringify({
        organization: 'Acme, Inc.',
        period: { start: '2025-01-01', end: '2025-12-31' },
        store: './year',
        sources: [{ id: 'production', use: 'aws', with: { regions: ['us-east-1'] } }],
      }),
    );
    const collected = await collectFirst(folder, key.privateKey);
    const written = new Map<string, number>();
    const opened = await openProject({ config: join(folder, 'tickmark.yaml') });
    const backend = noting(opened.store.backend, written);
    const project = { ...opened, store: new Store(backend) };
    const signer = pemSigner(key.privateKey, 'the key of this benchmark');
    const seen = await readFirst(new Store(folderBackend(join(folder, 'first'))));
    const sealed = await awake(folder, () => writeYear(project, io, { signer, seen, written }));
    const pieces = await piecesOf(backend, sealed[0]?.bundle);
    const disk = await onDisk(folder);
    return [
      ...storeFigures(sealed, pieces, disk),
      ...verifyFigures(await verify(folder, key.fingerprint), disk),
      ...(await exportFigures(folder)),
      {
        name: `${size.users.toLocaleString('en-US')} users: peak memory of a night`,
        found: collected.peakMegabytes,
        unit: 'MB',
        beside: `${Math.round(collected.seconds)} s, mostly the stand-in's`,
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// --- The first night -----------------------------------------------------------------------

/** @throws Error when the night was not complete: its figures would mean nothing. */
async function collectFirst(folder: string, key: string): Promise<Measured> {
  const world = yearWorld();
  const moto = await startMoto();
  const now = () => new Date(firstNight);
  const standIn = await startStandIn(moto.endpoint, { likeAws: true, facts: factsOf(world), now });
  try {
    tell(`seeding ${size.users} users and ${size.buckets} buckets`);
    await seed(world, standIn.endpoint);
    tell('collecting the first night');
    const store = join(folder, 'first');
    const args = ['run', '--json', '--store', store, '--clock', firstNight];
    const measured = await measure(args, folder, {
      AWS_ENDPOINT_URL: standIn.endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      TICKMARK_SIGNING_KEY: key,
    });
    if (measured.code === 1) return measured;
    throw new Error(`the night ended with ${measured.code}\n${measured.stderr.slice(-2000)}`);
  } finally {
    await standIn.close();
    await moto.stop();
  }
}

/** One user has what administrators will attach to others: what it says is then known. */
function yearWorld(): AwsWorld {
  const world = bigWorld(size);
  const [first, ...others] = world.users ?? [];
  return first === undefined
    ? world
    : { ...world, users: [{ ...first, policies: attachedPolicies }, ...others] };
}

interface Seen extends Pick<Asked, 'slices' | 'connects'> {
  sources: Manifest['sources'];
}

async function readFirst(store: Store): Promise<Seen> {
  const last = await store.last();
  if (last === undefined) throw new Error('the first night was not sealed');
  const slices: Slice[] = [];
  for (const sealed of last.manifest.slices) {
    const { records, calls, kept: _kept, ...header } = sealed;
    slices.push({
      ...header,
      records: await joined(store.records(sealed)),
      calls: await joined(store.calls(calls)),
    });
  }
  const connects = new Map<string, Call[]>();
  for (const { id, calls } of last.manifest.sources) {
    connects.set(id, await joined(store.calls(calls)));
  }
  return { slices, connects, sources: last.manifest.sources };
}

async function joined<T>(chunks: AsyncIterable<T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const chunk of chunks) all.push(...chunk);
  return all;
}

// --- The year ------------------------------------------------------------------------------

interface YearRequest {
  signer: Signer;
  seen: Seen;
  /** Bytes by key of what is written; emptied after each night. */
  written: Map<string, number>;
}

async function writeYear(
  project: Project,
  io: CommandIo,
  { signer, seen, written }: YearRequest,
): Promise<Night[]> {
  const random = randomFrom(1);
  const administrators = new Administrators(seen.slices, project.registry, random);
  const done: Night[] = [];
  for (let night = 0; night < nights; night += 1) {
    const late = Math.floor(random() * mostSecondsLate) * 1_000;
    const start = new Date(Date.parse(firstNight) + night * day + late);
    if (night > 0) administrators.change(night, start);
    const asked = askedAgain(seen, start, random);
    const slices = asked.slices.map((slice) => ({
      ...slice,
      observed_at: new Date(Date.parse(slice.observed_at) + night * day + late).toISOString(),
    }));
    written.clear();
    const begun = performance.now();
    const bundle = await sealNight(project, io, { ...seen, ...asked, slices }, start, signer);
    const seconds = (performance.now() - begun) / 1_000;
    const partOf = await partsOf(project.store.backend, [bundle.manifest]);
    done.push({ bundle, seconds, byPart: bytesByPart(written, partOf) });
    if (done.length % nightsBetweenLines === 0) tell(`night ${done.length} of ${nights} is sealed`);
  }
  return done;
}

/** As `tickmark run` does it, once everything is collected. */
async function sealNight(
  project: Project,
  io: CommandIo,
  asked: Asked & Pick<Seen, 'sources'>,
  start: Date,
  signer: Signer,
): Promise<Bundle> {
  const { store } = project;
  const run = newRunId(start);
  const slices = [];
  for (const slice of asked.slices) slices.push(await store.writeSlice(slice));
  const results = await judge(project, slices, run, asked.finishedAt, 'run');
  const sources = [];
  for (const source of asked.sources) {
    const calls = asked.connects.get(source.id) ?? [];
    sources.push({ ...source, calls: await store.writeCalls(source.id, calls) });
  }
  return store.seal(
    {
      ...(await commonDraft(project, io)),
      run,
      kind: 'run',
      evidence_of: null,
      started_at: start.toISOString(),
      finished_at: asked.finishedAt.toISOString(),
      clock: 'simulated',
      answers: 'live',
      sources,
      slices,
      results,
    },
    { signer, authorities: [] },
  );
}

/** A backend that notes what is created on it. */
function noting(backend: Backend, written: Map<string, number>): Backend {
  return {
    ...backend,
    async create(key, bytes) {
      const created = await backend.create(key, bytes);
      if (created) written.set(key, bytes.length);
      return created;
    },
  };
}

/** The bytes of a night whose lists are each compressed as one piece: no copy is smaller. */
async function piecesOf(backend: Backend, bundle: Bundle | undefined): Promise<number> {
  if (bundle === undefined) return Number.NaN;
  const { manifest } = bundle;
  const lists = new Map(listsOf(manifest).map(([, list]) => [list.digest, list]));
  let bytes = 0;
  for (const list of lists.values()) {
    const chunks = await readChunks(backend, list);
    const texts = new Map<string, Buffer>();
    await readTexts(backend, chunks, ({ digest }, text) => texts.set(digest, text));
    const all = chunks.flatMap(({ digest }) => texts.get(digest) ?? []);
    bytes += gzipSync(Buffer.concat(all), { level: 9 }).length;
  }
  for (const receipts of new Set(receiptsOf(manifest))) {
    bytes += gzipSync(await readObject(backend, receipts), { level: 9 }).length;
  }
  return bytes + gzipSync(JSON.stringify(manifest), { level: 9 }).length;
}

// --- Figures -------------------------------------------------------------------------------

interface OnDisk {
  files: number;
  megabytes: number;
  /** In blocks of the file system. */
  blocksMegabytes: number;
}

async function onDisk(folder: string): Promise<OnDisk> {
  const found = { files: 0, megabytes: 0, blocksMegabytes: 0 };
  const entries = await readdir(join(folder, 'year'), { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    const { size, blocks } = await stat(join(entry.parentPath, entry.name));
    found.files += 1;
    found.megabytes += size / 1e6;
    // stat(2) counts blocks of 512 bytes, whatever the file system's own are.
    found.blocksMegabytes += (blocks * 512) / 1e6;
  }
  return found;
}

function storeFigures(sealed: Night[], pieces: number, disk: OnDisk): Figure[] {
  const [one] = sealed;
  const first = one === undefined ? Number.NaN : bytesOf(one) / 1e6;
  const later = sealed.slice(1);
  const kilobytes = (bytes: (night: Night) => number) => median(later.map(bytes)) / 1_000;
  const overall = (part: Part) => sealed.reduce((sum, { byPart }) => sum + byPart[part], 0) / 1e6;
  const of = `${nights} nights with 1 % changed`;
  return [
    {
      name: `store of ${of}, against copies`,
      found: disk.megabytes / (nights * first),
      unit: `of ${nights} copies`,
      budget: mostOfCopies,
      beside: `${disk.megabytes.toFixed(0)} MB; the first night ${first.toFixed(1)} MB`,
    },
    {
      name: `  against copies, each list compressed in one piece`,
      found: disk.megabytes / ((nights * pieces) / 1e6),
      unit: `of ${nights} copies`,
      beside: `such a copy has ${(pieces / 1e6).toFixed(1)} MB`,
    },
    {
      name: '  objects, manifests and signatures',
      found: disk.files,
      unit: 'files',
      beside: `${disk.blocksMegabytes.toFixed(0)} MB of the disk's blocks`,
    },
    { name: "  a night's growth", found: kilobytes(bytesOf), unit: 'kB', beside: 'median' },
    ...parts.map((part) => ({
      name: `    of it, ${part}`,
      found: kilobytes(({ byPart }) => byPart[part]),
      unit: 'kB',
      beside: `${overall(part).toFixed(1)} MB in all nights`,
    })),
    {
      name: '  writing, judging and sealing a night',
      found: median(sealed.map(({ seconds }) => seconds)),
      unit: 's',
      beside: `no API calls; ${sealed.at(-1)?.bundle.manifest.results?.list.count.toLocaleString('en-US')} results`,
    },
  ];
}

function bytesOf({ byPart }: Night): number {
  return parts.reduce((sum, part) => sum + byPart[part], 0);
}

/** @throws Error when the store was not found whole. */
async function verify(folder: string, fingerprint: string): Promise<Measured> {
  tell('verifying the year');
  const args = ['verify', join(folder, 'year'), '--key', fingerprint, '--json'];
  const measured = await measure(args, folder, {});
  if (measured.code === 0) return measured;
  throw new Error(
    `verify ended with ${measured.code}\n${measured.stdout.slice(-2000)}${measured.stderr.slice(-2000)}`,
  );
}

function verifyFigures(
  { seconds, peakMegabytes }: Measured,
  { files, megabytes }: OnDisk,
): Figure[] {
  return [
    {
      name: 'verifying that year: wall time',
      found: seconds,
      unit: 's',
      budget: mostVerifySeconds,
      beside: `${files.toLocaleString('en-US')} files, ${megabytes.toFixed(0)} MB`,
    },
    {
      name: 'verifying that year: peak memory',
      found: peakMegabytes,
      unit: 'MB',
      budget: mostVerifyMegabytes,
    },
  ];
}

/**
 * Once in some millions of times glibc before 2.41 wakes no thread for work that it was given (its bug
 * 25847). A read that nothing follows then waits for ever; a little work beside it wakes the thread.
 */
async function awake<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const waking = setInterval(() => void stat(folder), millisecondsBetweenWakings);
  try {
    return await work();
  } finally {
    clearInterval(waking);
  }
}

/** Minutes go by without a figure: that it goes on is said beside the table. */
function tell(what: string): void {
  process.stderr.write(`bench: ${what}\n`);
}
