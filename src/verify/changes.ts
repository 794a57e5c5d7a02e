/** What changed from one night to the next and that an auditor asks about: controls, the program. */
import { canonicalJson, compareText } from '../evidence/json.ts';
import type { Manifest } from '../seal/manifest.ts';
import { nameOf, type SoundLink } from './chain.ts';
import { type Finding, noteOf } from './finding.ts';

export function* noteChanges(links: readonly SoundLink[]): Generator<Finding> {
  yield* noteControls(links);
  yield* noteTools(links);
}

/** Jobs for different accounts may write to one store, each with a configuration of its own. */
function* noteControls(links: readonly SoundLink[]): Generator<Finding> {
  const newest = new Map<string, SoundLink>();
  let latest: SoundLink | undefined;
  for (const link of links) {
    const { manifest } = link;
    // A change of keys tests nothing, nor does a draw.
    if (manifest.kind === 'keys' || manifest.kind === 'sample') continue;
    const job = manifest.sources.map(({ id }) => id).join(' ');
    const before = newest.get(job) ?? latest;
    newest.set(job, link);
    latest = link;
    const changed = before === undefined ? [] : changesOf(before.manifest, manifest);
    if (before === undefined || changed.length === 0) continue;
    yield noteOf(
      'ControlChanged',
      link.key,
      [link.sequence],
      `${nameOf(link)} was judged otherwise than ${nameOf(before)}: ${changed.join('; ')}`,
    );
  }
}

function changesOf(before: Manifest, now: Manifest): string[] {
  const files = (manifest: Manifest) =>
    new Map(manifest.controls.map(({ id, digest }) => [id, digest]));
  const values = (manifest: Manifest) =>
    new Map(Object.entries(manifest.parameters).map(([id, value]) => [id, canonicalJson(value)]));
  return [
    ...differences(files(before), files(now), 'control'),
    ...differences(values(before), values(now), 'the parameters of'),
    ...(before.configuration === now.configuration ? [] : ['the configuration was changed']),
  ];
}

function differences(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
  what: string,
): string[] {
  return [...new Set([...before.keys(), ...now.keys()])].sort(compareText).flatMap((id) => {
    if (before.get(id) === now.get(id)) return [];
    const how = !before.has(id) ? 'came' : !now.has(id) ? 'went away' : 'changed';
    return [`${what} ${id} ${how}`];
  });
}

function* noteTools(links: readonly SoundLink[]): Generator<Finding> {
  const changed = links.flatMap((link, index) => {
    const before = links[index - 1];
    return before !== undefined && toolOf(before) !== toolOf(link) ? [{ link, before }] : [];
  });
  const [first] = changed;
  if (first === undefined) return;
  const each = changed.map(
    ({ link, before }) => `${toolOf(before)} until ${nameOf(before)}, then ${toolOf(link)}`,
  );
  yield noteOf(
    'ToolChanged',
    first.link.key,
    changed.map(({ link }) => link.sequence),
    `the program changed: ${each.join('; ')}`,
  );
}

function toolOf({ manifest }: SoundLink): string {
  const { version, commit } = manifest.tool;
  return commit === null ? version : `${version} (${commit})`;
}
