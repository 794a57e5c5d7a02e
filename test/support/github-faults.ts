/** Faults that the stand-in for GitHub can be told to have. */

/**
 * - `rateLimit`: the primary limit is used up; it is reset in `seconds`.
 * - `secondaryLimit`: 403 or 429 (`status`), to be tried again after `seconds`.
 * - `html`: a web page with `status` 502 or 504.
 * - `tooHeavy`: GraphQL gives up on queries for more than `nodes` nodes, 502 with an error in JSON.
 * - `hang`: no answer at all.
 * - `cut`: the right answer's status and half of its body, then the connection ends.
 * - `garbage`: half of the right answer, with a length that fits.
 * - `signIn`: a web page that asks to sign in, with status 200.
 * - `revoked`: the token is not known any more.
 * - `denied`: the right was taken away.
 * - `nextElsewhere`: the next page is said to be on another host.
 * - `nextRepeats`: every page says that it is its own next one.
 * - `forbiddenNode`: the entry at `index` of `nodes(ids:)` is null, with an error.
 * - `nullData`: GraphQL answers null, and no error.
 */
export type FaultKind =
  | 'rateLimit'
  | 'secondaryLimit'
  | 'html'
  | 'tooHeavy'
  | 'hang'
  | 'cut'
  | 'garbage'
  | 'signIn'
  | 'revoked'
  | 'denied'
  | 'nextElsewhere'
  | 'nextRepeats'
  | 'forbiddenNode'
  | 'nullData';

/** Which requests; a field that is left out matches all. */
export interface CallMatch {
  /** `GET /orgs/{org}/members`, `graphql:Members`, or a pattern for it. */
  route?: string | RegExp;
  /** Part of path and query as sent, or a pattern for it. */
  path?: string | RegExp;
  /** Part of GraphQL's variables as JSON, or a pattern for it. */
  variables?: string | RegExp;
}

/** A fault and when it strikes. */
export interface FaultRule {
  kind: FaultKind;
  match?: CallMatch;
  /** Only the request that is the nth to match, from 1; all when left out. */
  nth?: number;
  /** How often at most in all. */
  times?: number;
  /** How often at most for one and the same request: with 1, every first retry gets through. */
  timesEach?: number;
  /** Default 1. */
  seconds?: number;
  /** Default 403 for `secondaryLimit`, 502 for `html`. */
  status?: number;
  /** For `tooHeavy`. Default 0. */
  nodes?: number;
  /** For `forbiddenNode`. Default 0. */
  index?: number;
}

/** What a match looks at. */
export interface Matched {
  route: string;
  path: string;
  /** JSON; empty for REST. */
  variables: string;
  /** Nodes that a query may give; 0 for REST. */
  nodes: number;
}

/** Whether a request is among those meant. */
export function matches(request: Omit<Matched, 'nodes'>, match: CallMatch): boolean {
  const fits = (wanted: string | RegExp | undefined, text: string, whole: boolean) =>
    wanted === undefined ||
    (typeof wanted !== 'string'
      ? new RegExp(wanted).test(text)
      : whole
        ? text === wanted
        : text.includes(wanted));
  return (
    fits(match.route, request.route, true) &&
    fits(match.path, request.path, false) &&
    fits(match.variables, request.variables, false)
  );
}

/** A rule with its memory: called for each request, says whether the fault strikes it. */
export function armed(rule: FaultRule): (request: Matched) => boolean {
  const { match = {}, nth, times = Infinity, timesEach = Infinity, nodes = 0 } = rule;
  const struckEach = new Map<string, number>();
  let came = 0;
  let struck = 0;
  return (request) => {
    if (!matches(request, match)) return false;
    if (rule.kind === 'tooHeavy' && request.nodes <= nodes) return false;
    came += 1;
    if (struck >= times || (nth !== undefined && came !== nth)) return false;
    const identity = `${request.route} ${request.path} ${request.variables}`;
    const before = struckEach.get(identity) ?? 0;
    if (before >= timesEach) return false;
    struckEach.set(identity, before + 1);
    struck += 1;
    return true;
  };
}
