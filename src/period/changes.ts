/** What the nights of a period were judged by, and where it changed. Pure. */
import { canonicalJson, compareText, sha256 } from '../evidence/json.ts';
import type { Manifest } from '../seal/manifest.ts';
import type { Night } from './nights.ts';
import type { Change } from './report.ts';

/**
 * Each version of everything that decides a result, with its nights; one version is no change. To be
 * judged without a control that other nights of the same sources have is a version too, an empty one.
 */
export function versionsOf(nights: readonly Night[]): Change[] {
  const found = new Map<string, Change>();
  const controls = controlsOf(nights);
  const set = new Set(nights.flatMap(({ bundle }) => Object.keys(bundle.manifest.parameters)));
  nights.forEach(({ bundle, day, tests }, place) => {
    // Where none are set, those of the control file hold: to set them is a change.
    const { parameters } = bundle.manifest;
    const parametrised = [...set]
      .filter((id) => Object.hasOwn(parameters, id) || tests.has(id))
      .sort(compareText);
    const values = valuesOf(bundle.manifest, controls[place] ?? new Map(), parametrised);
    for (const { what, id, value } of values) {
      const key = `${what} ${id}`;
      const change = found.get(key) ?? { what, id, versions: [] };
      found.set(key, change);
      const last = change.versions.at(-1);
      if (last?.value === value) {
        last.to = day;
        last.nights += 1;
      } else change.versions.push({ value, from: day, to: day, nights: 1 });
    }
  });
  return [...found.values()];
}

export function isChanged({ versions }: Change): boolean {
  return versions.length > 1;
}

function* valuesOf(
  manifest: Manifest,
  files: ReadonlyMap<string, string>,
  parametrised: readonly string[],
): Generator<{ what: Change['what']; id: string; value: string }> {
  const { tool, configuration, parameters, waivers } = manifest;
  yield { what: 'program', id: '', value: [tool.version, tool.commit ?? ''].join(' ').trim() };
  yield { what: 'configuration', id: '', value: configuration };
  yield { what: 'waivers', id: '', value: waivers?.digest ?? '' };
  for (const [id, value] of files) yield { what: 'control', id, value };
  for (const id of parametrised) {
    const text = canonicalJson(parameters[id] ?? {});
    yield { what: 'parameters', id, value: text.length > 200 ? sha256(text) : text };
  }
}

/** A control file as it was sealed. */
type SealedFile = Manifest['controls'][number];

/** Of each night the digests of the files that judged it by the ids of the controls, or empty ones. */
function controlsOf(nights: readonly Night[]): Map<string, string>[] {
  const files = nights.map(filesOf);
  const begun = new Map<string, number>();
  const jobs = new Map<string, Map<string, Night>>();
  nights.forEach((night, place) => {
    const { isState, sources } = night;
    for (const source of sources) if (!begun.has(source)) begun.set(source, place);
    const job = JSON.stringify([isState, ...[...sources].sort(compareText)]);
    for (const id of files[place]?.keys() ?? []) {
      jobs.set(id, (jobs.get(id) ?? new Map<string, Night>()).set(job, night));
    }
  });
  return nights.map((night, place) => {
    const own = new Map(files[place]);
    for (const [id, having] of jobs) {
      if (own.has(id)) continue;
      const isLacking = [...having.values()].some(({ isState, sources }) => {
        // A source that nobody had asked yet was not left out.
        const known = [...sources].filter((source) => (begun.get(source) ?? 0) <= place);
        const isSameJob = known.length > 0 && known.every((source) => night.sources.has(source));
        return isState === night.isState && isSameJob;
      });
      if (isLacking) own.set(id, '');
    }
    return own;
  });
}

/** Of a night that was judged again, those whose word stands for some test are among them. */
function filesOf(night: Night): Map<string, string> {
  const [first, ...later] = night.judgements;
  const files = new Map(first?.bundle.manifest.controls.map(({ id, digest }) => [id, digest]));
  if (later.length === 0) return files;
  for (const test of night.tests.keys()) {
    const file = judgingFile(night, test);
    if (file !== undefined && !files.has(file.id)) files.set(file.id, file.digest);
  }
  return files;
}

/** The file that a night was judged by a test from. */
export function judgingFile({ tests, judgements }: Night, test: string): SealedFile | undefined {
  const id = tests.get(test)?.control.id;
  const judgement = judgements.find((each) => each.tests.has(test));
  return judgement?.bundle.manifest.controls.find((each) => each.id === id);
}
