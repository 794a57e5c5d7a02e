import { setMaxListeners } from 'node:events';
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
  const either = AbortSignal.any([signal, own.signal]);
  // Every request that is under way listens to it: hundreds of listeners are no leak.
  setMaxListeners(0, either);
  return {
    signal: either,
    clear(reason) {
      clearTimeout(timer);
      if (reason !== undefined) own.abort(reason);
    },
  };
}

/** Rejects when the signal aborts, with its CollectError; for work that does not listen itself. */
export function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const rejected = () =>
      reject(
        signal.reason instanceof CollectError
          ? signal.reason
          : new CollectError('Interrupted', 'the run was interrupted'),
      );
    if (signal.aborted) rejected();
    else signal.addEventListener('abort', rejected, { once: true });
  });
}
