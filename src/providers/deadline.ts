import { CollectError } from '../plugin.ts';

/** A signal that follows `signal` and aborts by itself after `seconds`, with a CollectError that says so. */
export function deadline(
  signal: AbortSignal,
  seconds: number,
  what: string,
): { signal: AbortSignal; clear: (reason?: CollectError) => void } {
  const own = new AbortController();
  const timer = setTimeout(() => {
    own.abort(
      new CollectError(
        'DeadlineExceeded',
        `${what} was not done within ${seconds} s; run again, or allow more with --deadline`,
      ),
    );
  }, seconds * 1_000);
  return {
    signal: AbortSignal.any([signal, own.signal]),
    clear(reason) {
      clearTimeout(timer);
      if (reason !== undefined) own.abort(reason);
    },
  };
}
