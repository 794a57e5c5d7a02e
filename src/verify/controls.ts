/** The control files that manifests name, and whether results belong to them. */
import { parseControl } from '../controls/parse.ts';
import { BrokenObject, type ObjectReader } from './objects.ts';

/** What results are held against. */
export interface ControlFacts {
  id: string;
  /** The dataset that each test is over, by the test's id. */
  tests: ReadonlyMap<string, string>;
}

export class ControlReader {
  readonly #objects: ObjectReader;
  readonly #known = new Map<string, ControlFacts | string>();

  constructor(objects: ObjectReader) {
    this.#objects = objects;
  }

  /**
   * What a control file says, or in one sentence why it says nothing; undefined where it cannot be
   * had. The bundle is blamed for what it cannot have.
   */
  async read(
    { digest, file }: { digest: string; file: string },
    sequence: number,
  ): Promise<ControlFacts | string | undefined> {
    const known = this.#known.get(digest);
    if (known !== undefined) return known;
    try {
      const facts = factsOf(file, await this.#objects.read(digest));
      this.#known.set(digest, facts);
      return facts;
    } catch (error) {
      if (!(error instanceof BrokenObject)) throw error;
      this.#objects.blame(digest, sequence);
      return undefined;
    }
  }
}

function factsOf(file: string, bytes: Buffer): ControlFacts | string {
  const parsed = parseControl(file, bytes);
  if (!parsed.ok) {
    const [fault] = parsed.faults;
    return `it is no control file (line ${fault?.line}: ${fault?.message})`;
  }
  const { id, tests } = parsed.value.control;
  return { id, tests: new Map(tests.map((test) => [test.id, test.over])) };
}
