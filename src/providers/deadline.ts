import { setMaxListeners } from 'node:events';
import { CollectError } from '../plugin.ts';

/** A limit to how long something may take. */
export interface Deadline {
  /** Aborts at the deadline with a CollectError that says so, and when the outer signal does. */
  signal: AbortSignal;
  /** Adds a pause that a source asked for; pauses at the same time count once. */
  extend(milliseconds: number): void;
  /** Ends it; with a reason, aborts what still listens. */
  clear(reason?: CollectError): void;
}

export function deadline(signal: AbortSignal, seconds: number, what: string): Deadline {
  const own = new AbortController();
  const expire = () =>
    own.abort(
      new CollectError(
        'DeadlineExceeded',
        `${what} was not done within ${seconds} s; run again, or allow more with --deadline`,
      ),
    );
  let endsAt = performance.now() + seconds * 1_000;
  let pausedUntil = 0;
  let timer = setTimeout(expire, seconds * 1_000);
  const either = AbortSignal.any([signal, own.signal]);
  // Every request that is under way listens to it: hundreds of listeners are no leak.
  setMaxListeners(0, either);
  return {
    signal: either,
    extend(milliseconds) {
      const now = performance.now();
      const until = now + milliseconds;
      if (until <= pausedUntil) return;
      endsAt += until - Math.max(now, pausedUntil);
      pausedUntil = until;
      clearTimeout(timer);
      timer = setTimeout(expire, endsAt - now);
    },
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
