/** Since when, and until when, each scope of each source has to be asked. Pure. */
import type { Night } from './nights.ts';
import type { ScopeSpan } from './report.ts';

/** Where a source was asked for a part of it. */
export interface Scope {
  source: string;
  scope: string;
  /** Places in the list of nights: the first that saw it, and the last. */
  first: number;
  last: number;
  /** Whether nights before it did without: then it counts from its first night on. */
  isAdded: boolean;
  /** Whether nights after it do without: then it counts until its last. */
  isDropped: boolean;
}

export function scopeKey(source: string, scope: string): string {
  return `${source}\n${scope}`;
}

/**
 * Every scope that was seen. A source that could not be reached has a slice under its own name,
 * since its scopes are not known then: that is no scope, unless it is all that is ever seen of it.
 */
export function scopesOf(nights: readonly Night[]): Scope[] {
  const scopes = new Map<string, Scope>();
  const reached = new Set<string>();
  nights.forEach(({ bundle }, place) => {
    for (const slice of bundle.manifest.slices) {
      const { source, scope } = slice;
      if (isUnreached(slice)) continue;
      reached.add(source);
      note(scopes, source, scope, place);
    }
  });
  nights.forEach(({ bundle }, place) => {
    for (const slice of bundle.manifest.slices) {
      const { source, scope } = slice;
      if (isUnreached(slice) && !reached.has(source)) note(scopes, source, scope, place);
    }
  });
  for (const scope of scopes.values()) {
    scope.first = sinceAsked(nights, scope);
    const { source, first, last } = scope;
    scope.isAdded = nights.slice(0, first).some(({ isState }) => isState);
    scope.isDropped = nights
      .slice(last + 1)
      .some((night) => doesWithout(night, nights[last] as Night, source, reached));
  }
  return [...scopes.values()];
}

/** Nights that could not reach the source, right before the first that did, missed the scope too. */
function sinceAsked(nights: readonly Night[], { source, first }: Scope): number {
  let since = first;
  for (let place = first - 1; place >= 0; place -= 1) {
    const night = nights[place] as Night;
    if (!night.isState || !night.sources.has(source)) continue;
    const own = night.bundle.manifest.slices.filter((slice) => slice.source === source);
    if (!own.every(isUnreached)) break;
    since = place;
  }
  return since;
}

/** Whether a slice only says that its source could not be reached. */
export function isUnreached({
  source,
  scope,
  outcome,
}: {
  source: string;
  scope: string;
  outcome: string;
}): boolean {
  return scope === source && outcome === 'failed';
}

/**
 * Whether a later night has taken a scope's last one's place and did not ask it: it asked all of
 * the other sources, or other scopes of the same source.
 */
function doesWithout(
  later: Night,
  last: Night,
  source: string,
  reached: ReadonlySet<string>,
): boolean {
  if (!later.isState) return false;
  if (later.sources.has(source)) {
    const { slices } = later.bundle.manifest;
    return (
      slices.some((slice) => slice.source === source && !isUnreached(slice)) || !reached.has(source)
    );
  }
  const others = [...last.sources].filter((id) => id !== source);
  return others.length > 0 && others.every((id) => later.sources.has(id));
}

function note(scopes: Map<string, Scope>, source: string, scope: string, place: number): void {
  const key = scopeKey(source, scope);
  const known = scopes.get(key);
  if (known === undefined) {
    scopes.set(key, { source, scope, first: place, last: place, isAdded: false, isDropped: false });
  } else {
    known.last = place;
  }
}

/** Scopes that do not span the period, for a reader, each once. */
export function scopeSpans(
  scopes: readonly Scope[],
  nights: readonly Night[],
  { start, end }: { start: string; end: string },
): ScopeSpan[] {
  const spans = new Map<string, ScopeSpan>();
  for (const { source, scope, first, last, isAdded, isDropped } of scopes) {
    const from = nights[first]?.day ?? start;
    const until = nights[last]?.day ?? end;
    const added = isAdded && from > start && from <= end ? from : null;
    const dropped = isDropped && until >= start && until < end ? until : null;
    if (added === null && dropped === null) continue;
    const span = { source, scope, added, dropped };
    spans.set(JSON.stringify(span), span);
  }
  return [...spans.values()];
}
