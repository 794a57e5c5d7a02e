/** Many things asked in one GraphQL query, as many as GitHub can answer in time. */
import {
  CallError,
  CollectError,
  type GitHubContext,
  type GraphqlError,
} from '../../../src/plugin.ts';

/** GitHub's limit for `nodes(ids:)`. */
export const mostIds = 100;

/** How GitHub says that a query took too long: it is asked again with half as much. */
function tookTooLong(thrown: unknown): thrown is CallError {
  return thrown instanceof CallError && (thrown.status === 502 || thrown.status === 504);
}

/**
 * Asks for items, `most` at once, and hands each its outcome as soon as it is there. What takes
 * GitHub too long is asked again in halves, and no query of that name is as large again in this
 * run; an item that takes too long alone is handed its error. Any other error is thrown.
 */
export async function inBatches<Item, Outcome>(
  github: GitHubContext,
  query: string,
  items: readonly Item[],
  most: number,
  ask: (batch: Item[]) => Promise<(Outcome | CollectError)[]>,
  take: (item: Item, outcome: Outcome | CollectError) => void | Promise<void>,
): Promise<void> {
  const sizes = await github.once('batch sizes', async () => new Map<string, number>());
  const waiting = [...items];
  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, Math.min(most, sizes.get(query) ?? most));
      let outcomes: (Outcome | CollectError)[];
      try {
        outcomes = await ask(batch);
      } catch (thrown) {
        if (!tookTooLong(thrown)) throw thrown;
        if (batch.length > 1) {
          const half = Math.ceil(batch.length / 2);
          sizes.set(query, Math.min(half, sizes.get(query) ?? half));
          waiting.unshift(...batch);
          continue;
        }
        outcomes = [thrown];
      }
      for (const [index, item] of batch.entries()) {
        await take(item, outcomes[index] ?? unanswered(query));
      }
    }
  };
  await Promise.all(Array.from({ length: mostUnderWay }, work));
}

/** As many queries as GitHub works on at once for one token without slowing down. */
const mostUnderWay = 4;

function unanswered(query: string): CollectError {
  return new CollectError(
    'UnreadableResponse',
    `graphql:${query} answered with fewer things than were asked for; run again`,
  );
}

/** The error that stands at a place of an answer, or below it. */
export function errorAt(
  errors: readonly GraphqlError[],
  ...path: (string | number)[]
): GraphqlError | undefined {
  return errors.find((error) => path.every((step, index) => error.path[index] === step));
}

/**
 * What GitHub did not tell, with the right that is missing.
 * @param error undefined where GitHub gave nothing and no reason.
 */
export function notTold(
  error: GraphqlError | undefined,
  what: string,
  permission: string,
): CollectError {
  if (error === undefined) {
    return new CollectError(
      'AccessDenied',
      `GitHub did not tell ${what} and not why; give the token ${permission}, or run again`,
    );
  }
  const { type, message } = error;
  const said = `GitHub did not tell ${what} (${type}, "${message}")`;
  return ['FORBIDDEN', 'INSUFFICIENT_SCOPES', 'NOT_FOUND'].includes(type)
    ? new CollectError('AccessDenied', `${said}; give the token ${permission}`)
    : new CollectError('ServiceError', `${said}; run again`);
}
