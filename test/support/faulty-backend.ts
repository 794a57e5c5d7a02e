/** A backend on which a run dies, or whose disk fails, at one chosen write. */
import { TickmarkError } from '../../src/evidence/errors.ts';
import type { Backend } from '../../src/store/backend.ts';

/**
 * What happens at the chosen write. `dies before` it, or `dies after` it: from then on nothing is
 * answered any more, as to a process that was killed. `fails once`: the disk is full, and has room
 * again for the next write. `fails` from then on: it stays full; or, from the first write on, it is
 * read-only.
 */
export const writeFaults = ['dies before', 'dies after', 'fails once', 'fails'] as const;
export type WriteFault = (typeof writeFaults)[number];

/** A write that was asked for. */
export interface Step {
  what: 'create' | 'renew' | 'remove';
  key: string;
}

export interface FaultyBackend {
  backend: Backend;
  /** Every write that was asked for, in order; the one at which it died is the last. */
  steps: Step[];
  /** Resolves when it dies. */
  died: Promise<void>;
}

/** @param at the number of the chosen write, from 1; 0 chooses none. Or the beginning of its key. */
export function faultyBackend(
  sound: Backend,
  fault: WriteFault,
  at: number | string,
): FaultyBackend {
  const steps: Step[] = [];
  let tellDeath = () => {};
  const died = new Promise<void>((resolve) => {
    tellDeath = resolve;
  });
  let alive = true;
  let reached = false;
  /** A dead process gets no answer, not even an error. */
  const never = new Promise<never>(() => {});
  const die = () => {
    alive = false;
    tellDeath();
    return never;
  };
  const answered = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!alive) return never;
    const answer = await work();
    return alive ? answer : never;
  };
  const written = async <T>(step: Step, work: () => Promise<T>): Promise<T> => {
    if (!alive) return never;
    steps.push(step);
    const chosen = typeof at === 'string' ? step.key.startsWith(at) : steps.length === at;
    reached ||= chosen;
    if (chosen && fault === 'dies before') return die();
    if (fault === 'fails once' ? chosen : fault === 'fails' && reached) {
      throw new TickmarkError(
        'StoreUnavailable',
        `cannot ${step.what} ${step.key}: the disk is full`,
      );
    }
    const answer = await work();
    if (chosen && fault === 'dies after') return die();
    return alive ? answer : never;
  };
  return {
    steps,
    died,
    backend: {
      location: sound.location,
      create: (key, bytes) => written({ what: 'create', key }, () => sound.create(key, bytes)),
      renew: (key, bytes) => written({ what: 'renew', key }, () => sound.renew(key, bytes)),
      remove: (key) => written({ what: 'remove', key }, () => sound.remove(key)),
      read: (key) => answered(() => sound.read(key)),
      list: (prefix) => answered(() => sound.list(prefix)),
      async *entries(prefix) {
        for await (const entry of sound.entries(prefix)) yield await answered(async () => entry);
      },
    },
  };
}
