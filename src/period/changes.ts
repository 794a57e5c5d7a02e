/** What the nights of a period were judged by, and where it changed. Pure. */
import { canonicalJson, compareText, sha256 } from '../evidence/json.ts';
import type { Manifest } from '../seal/manifest.ts';
import type { Night } from './nights.ts';
import type { Change } from './report.ts';

/** Each version of everything that decides a result, with its nights; one version is no change. */
export function versionsOf(nights: readonly Night[]): Change[] {
  const found = new Map<string, Change>();
  const set = new Set(nights.flatMap(({ bundle }) => Object.keys(bundle.manifest.parameters)));
  for (const { bundle, day, tests } of nights) {
    // Where none are set, those of the control file hold: to set them is a change.
    const { parameters } = bundle.manifest;
    const parametrised = [...set]
      .filter((id) => Object.hasOwn(parameters, id) || tests.has(id))
      .sort(compareText);
    for (const { what, id, value } of valuesOf(bundle.manifest, parametrised)) {
      const key = `${what} ${id}`;
      const change = found.get(key) ?? { what, id, versions: [] };
      found.set(key, change);
      const last = change.versions.at(-1);
      if (last?.value === value) {
        last.to = day;
        last.nights += 1;
      } else change.versions.push({ value, from: day, to: day, nights: 1 });
    }
  }
  return [...found.values()];
}

export function isChanged({ versions }: Change): boolean {
  return versions.length > 1;
}

function* valuesOf(
  manifest: Manifest,
  parametrised: readonly string[],
): Generator<{ what: Change['what']; id: string; value: string }> {
  const { tool, configuration, controls, parameters, waivers } = manifest;
  yield { what: 'program', id: '', value: [tool.version, tool.commit ?? ''].join(' ').trim() };
  yield { what: 'configuration', id: '', value: configuration };
  yield { what: 'waivers', id: '', value: waivers?.digest ?? '' };
  for (const { id, digest } of controls) yield { what: 'control', id, value: digest };
  for (const id of parametrised) {
    const text = canonicalJson(parameters[id] ?? {});
    yield { what: 'parameters', id, value: text.length > 200 ? sha256(text) : text };
  }
}
