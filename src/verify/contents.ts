/** Everything that a manifest names: lists, results, control files, answers, what is kept, keys. */
import { readWaivers } from '../controls/waivers.ts';
import { TickmarkError } from '../evidence/errors.ts';
import { redactionFile } from '../store/archive.ts';
import { readAnswerIndex } from '../store/known-answers.ts';
import { Store } from '../store/store.ts';
import { isSound, type Link, nameOf, type SoundLink } from './chain.ts';
import { type ControlFacts, ControlReader } from './controls.ts';
import { breakOf, type Finding, noteOf } from './finding.ts';
import { ListChecker } from './lists.ts';
import { BrokenObject, type ObjectReader } from './objects.ts';
import { verifyResults } from './results.ts';
import { verifySample } from './samples.ts';

interface Counted {
  lists: number;
  results: number;
}

/**
 * Goes through the bundles in order, each object once.
 * @param redacted only control files and keys are there; that the rest is not is told by a note.
 */
export async function* verifyContents(
  links: readonly Link[],
  objects: ObjectReader,
  redacted: boolean,
  onBundle: (done: number) => void,
): AsyncGenerator<Finding, Counted> {
  const reader = new ContentReader(objects);
  const counted: Counted = { lists: 0, results: 0 };
  for (const [index, link] of links.entries()) {
    onBundle(index);
    if (!isSound(link)) continue;
    if (redacted) {
      yield* await reader.readControls(link);
      continue;
    }
    const { manifest } = link;
    yield* await reader.read(link);
    counted.lists += manifest.sources.length + 2 * manifest.slices.length;
    counted.lists += manifest.sample === undefined ? 0 : 2;
    if (manifest.results === null) continue;
    counted.lists += 2;
    counted.results += manifest.results.list.count;
  }
  const broken = [...objects.findings(), ...reader.lists.findings()];
  yield* broken;
  if (redacted) {
    yield noteOf(
      'Redacted',
      redactionFile,
      links.map(({ sequence }) => sequence),
      'the archive was redacted: records, calls, results and waivers as they were sealed are not in it, so that nothing it shows of them can be held against what was sealed; whoever holds the store can show them, under the same head',
    );
    return counted;
  }
  // What names a text may be what is missing.
  const isWhole = links.every((link, index) => isSound(link) && link.sequence === index + 1);
  if (isWhole && broken.length === 0) yield* reader.lists.unnamedText();
  return counted;
}

function keysOf({ manifest: { signature } }: SoundLink): string[] {
  return signature === null ? [] : [...signature.signers, signature.key];
}

class ContentReader {
  readonly lists: ListChecker;
  readonly #objects: ObjectReader;
  readonly #controls: ControlReader;
  /** The store as `objects` shows it. */
  readonly #store: Store;
  /** Bodies that an index of answers names; undefined for one that is no index. */
  readonly #answers = new Map<string, readonly string[] | undefined>();
  /** Why a file is none of waivers; undefined for one that is. */
  readonly #waivers = new Map<string, string | undefined>();

  constructor(objects: ObjectReader) {
    this.#objects = objects;
    this.#store = new Store(objects.backend);
    this.lists = new ListChecker(objects);
    this.#controls = new ControlReader(objects);
  }

  /** Asks for everything at once: a bucket takes its time for each object. */
  async read(link: SoundLink): Promise<Finding[]> {
    const { sequence, key, manifest } = link;
    const at = (what: string) => ({ sequence, key, what: `${what} of ${nameOf(link)}` });
    const plain = [...manifest.slices.flatMap(({ kept }) => kept ?? []), ...keysOf(link)];
    const work: Promise<Finding[]>[] = [
      this.#readResults(link),
      this.#readWaivers(link),
      this.#readSample(link),
      this.#checkObjects(plain, sequence),
      ...manifest.sources.map(({ id, answers }) => this.#readAnswers(link, id, answers)),
    ];
    const lists = manifest.slices.flatMap((slice) => {
      const { dataset, source, scope } = slice;
      const of = `${dataset} in ${source} ${scope}`;
      return [
        this.lists.check('records', slice.records, at(`the records of ${of}`)),
        this.lists.checkTrace(slice.calls, at(`the calls of ${of}`)),
      ];
    });
    const connecting = manifest.sources.map(({ id, calls }) =>
      this.lists.checkTrace(calls, at(`the calls of connecting to ${id}`)),
    );
    const [findings] = await Promise.all([
      Promise.all(work),
      Promise.all(lists),
      Promise.all(connecting),
    ]);
    return findings.flat();
  }

  /** What a redacted archive has of a bundle. */
  async readControls(link: SoundLink): Promise<Finding[]> {
    const { findings } = await this.#readControls(link);
    return [...findings, ...(await this.#checkObjects(keysOf(link), link.sequence))];
  }

  async #readControls(
    link: SoundLink,
  ): Promise<{ findings: Finding[]; controls: Map<string, ControlFacts | undefined> }> {
    const { sequence, key, manifest } = link;
    const findings: Finding[] = [];
    const controls = new Map<string, ControlFacts | undefined>();
    for (const named of manifest.controls) {
      const facts = await this.#controls.read(named, sequence);
      const fault =
        typeof facts === 'string'
          ? facts
          : facts !== undefined && facts.id !== named.id
            ? `it is the file of control ${facts.id}`
            : undefined;
      controls.set(named.id, fault === undefined ? (facts as ControlFacts | undefined) : undefined);
      if (fault === undefined) continue;
      findings.push(
        breakOf(
          'WrongControl',
          key,
          [sequence],
          `the file of control ${named.id} (${named.file}, object ${named.digest}) in ${nameOf(link)} is not that control: ${fault}; restore the store from a copy`,
        ),
      );
    }
    return { findings, controls };
  }

  async #readResults(link: SoundLink): Promise<Finding[]> {
    const { sequence, key, manifest } = link;
    const { findings, controls } = await this.#readControls(link);
    if (manifest.results === null) return findings;
    const { groups, sum } = await this.lists.check('results', manifest.results.list, {
      sequence,
      key,
      what: `the results of ${nameOf(link)}`,
    });
    const { sum: ofStatuses } = await this.lists.check('statuses', manifest.results.statuses, {
      sequence,
      key,
      what: `the statuses of ${nameOf(link)}`,
    });
    if (groups !== undefined) findings.push(...verifyResults(link, groups, controls));
    if (sum !== undefined && ofStatuses !== undefined && sum !== ofStatuses) {
      findings.push(
        breakOf(
          'StatusesDisagree',
          key,
          [sequence],
          `the statuses of ${nameOf(link)} are not those of its results; go by the results, and find out who wrote the manifest`,
        ),
      );
    }
    return findings;
  }

  async #checkObjects(digests: readonly string[], sequence: number): Promise<Finding[]> {
    await this.#objects.checkAll(digests);
    for (const digest of digests) this.#objects.blame(digest, sequence);
    return [];
  }

  async #readSample(link: SoundLink): Promise<Finding[]> {
    const { sequence, key, manifest } = link;
    const lines = async (what: 'population' | 'items') => {
      const list = manifest.sample?.[what];
      if (list === undefined) return undefined;
      const place = { sequence, key, what: `the ${what} of the sample of ${nameOf(link)}` };
      return (await this.lists.check('plain', list, place)).lines;
    };
    const [population, items] = await Promise.all([lines('population'), lines('items')]);
    return verifySample(link, { population, items });
  }

  async #readWaivers(link: SoundLink): Promise<Finding[]> {
    const { sequence, key, manifest } = link;
    if (manifest.waivers === null) return [];
    const { file, digest } = manifest.waivers;
    try {
      if (!this.#waivers.has(digest)) {
        const read = readWaivers(file, await this.#objects.read(digest));
        const [fault] = read.ok ? [] : read.faults;
        this.#waivers.set(digest, fault && `line ${fault.line}: ${fault.message}`);
      }
    } catch (error) {
      if (!(error instanceof BrokenObject)) throw error;
      this.#objects.blame(digest, sequence);
      return [];
    }
    const fault = this.#waivers.get(digest);
    if (fault === undefined) return [];
    const message = `object ${digest}, which ${nameOf(link)} names as its waivers (${file}), is no file of waivers (${fault}); restore the store from a copy`;
    return [breakOf('WrongWaivers', key, [sequence], message)];
  }

  async #readAnswers(
    link: SoundLink,
    source: string,
    digest: string | undefined,
  ): Promise<Finding[]> {
    if (digest === undefined) return [];
    try {
      if (!this.#answers.has(digest)) this.#answers.set(digest, await this.#bodies(digest));
    } catch (error) {
      if (!(error instanceof BrokenObject)) throw error;
      this.#objects.blame(digest, link.sequence);
      return [];
    }
    const bodies = this.#answers.get(digest);
    for (const body of bodies ?? []) this.#objects.blame(body, link.sequence);
    if (bodies !== undefined) return [];
    const message = `object ${digest}, which ${nameOf(link)} names as the answers of ${source}, is no index of answers; restore the store from a copy`;
    return [breakOf('WrongAnswers', link.key, [link.sequence], message)];
  }

  /** @throws BrokenObject for the index itself. */
  async #bodies(digest: string): Promise<readonly string[] | undefined> {
    try {
      const index = await readAnswerIndex(this.#store, digest);
      return await this.#objects.checkAll(Object.values(index).map(({ body }) => body));
    } catch (error) {
      const isNoIndex = error instanceof TickmarkError && error.code === 'IntegrityBroken';
      if (error instanceof BrokenObject || !isNoIndex) throw error;
      return undefined;
    }
  }
}
