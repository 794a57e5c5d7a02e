/**
 * Files that no manifest names. They change nothing of what is sealed, and are told of. In an archive
 * that says that its evidence was left out there are none.
 */
import { compareText } from '../evidence/json.ts';
import { sequenceOf, signatureKey, tokenKey } from '../seal/manifest.ts';
import { redactionFile } from '../store/archive.ts';
import type { Backend } from '../store/backend.ts';
import type { Link } from './chain.ts';
import { breakOf, type Finding, noteOf } from './finding.ts';
import { digestOf, type ObjectReader } from './objects.ts';

/** The first of them are named. */
const mostNamed = 5;

export async function* noteLeftovers(
  backend: Pick<Backend, 'entries'>,
  links: readonly Link[],
  objects: ObjectReader,
  redacted: boolean,
): AsyncGenerator<Finding> {
  const named = sealKeys(links);
  const temporary: string[] = [];
  const unnamed: string[] = [];
  const seals: string[] = [];
  const unknown: string[] = [];
  for (const prefix of ['bundles', 'seals', 'objects']) {
    for await (const entry of backend.entries(prefix)) {
      const { key } = entry;
      const digest = digestOf(key);
      if (entry.temporary) temporary.push(key);
      else if (sequenceOf(key) !== undefined || named.due.has(key)) continue;
      else if (digest !== undefined) {
        if (!objects.isNamed(digest)) unnamed.push(key);
      } else if (/^seals\/[0-9a-f]{64}\.(sig|tst)$/.test(key) && !named.all.has(key)) {
        seals.push(key);
      } else unknown.push(key);
    }
  }
  const hasDamage = links.some(({ manifest }) => manifest === undefined);
  const doubt = hasDamage ? ', or of the bundles that cannot be read' : '';
  const harmless = `left over from runs that were ended early${doubt}; harmless`;
  yield* told('Leftover', temporary, `temporary files, ${harmless}`);
  if (redacted && unnamed.length > 0) {
    yield breakOf(
      'NotRedacted',
      unnamed.sort(compareText)[0] as string,
      [],
      `${unnamed.length} objects are neither control files nor keys, in an archive that says that its evidence was left out: ${redactionFile} was added to it, or they were; get the archive again`,
    );
  } else yield* told('Leftover', unnamed, `objects that no manifest names, ${harmless}`);
  yield* told(
    'Leftover',
    seals,
    `seals of manifests that are not here: ${harmless} if two runs sealed at once; if not, bundles were removed or changed`,
  );
  yield* told(
    'UnknownFile',
    unknown,
    'files that are not by Tickmark; nothing here depends on them: find out who put them there',
  );
}

/** Seals that belong to a manifest: those that it says it has, and those that it could have. */
function sealKeys(links: readonly Link[]): { due: Set<string>; all: Set<string> } {
  const due = new Set<string>();
  const all = new Set<string>();
  for (const { digest, manifest, previous } of links) {
    for (const each of [digest, previous]) {
      if (typeof each !== 'string') continue;
      all.add(signatureKey(each)).add(tokenKey(each));
    }
    if (manifest?.signature !== null) due.add(signatureKey(digest));
    if (manifest?.timestamps.authorities.length !== 0) due.add(tokenKey(digest));
  }
  return { due, all };
}

function* told(code: 'Leftover' | 'UnknownFile', keys: string[], what: string): Generator<Finding> {
  const [first] = keys.sort(compareText);
  if (first === undefined) return;
  const named = keys.slice(0, mostNamed).join(', ');
  const more = keys.length > mostNamed ? ` and ${keys.length - mostNamed} more` : '';
  yield noteOf(code, first, [], `${keys.length} ${what}: ${named}${more}`);
}
