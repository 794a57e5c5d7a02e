/**
 * How many requests to one service of one account may be under way at once. The limit halves
 * when the service throttles and grows by one for every full round of good answers (additive
 * increase, multiplicative decrease), so that it settles where the service lets us be.
 */
export class Limiter {
  readonly #most: number;
  #limit: number;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
    this.#limit = most;
  }

  /** Runs `work` as soon as there is a place. `throttled` looks at its answer or error. */
  async run<T>(work: () => Promise<T>, throttled: (answer: T) => boolean): Promise<T> {
    while (this.#underWay >= Math.floor(this.#limit)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#underWay += 1;
    try {
      const answer = await work();
      this.#limit = throttled(answer)
        ? Math.max(1, this.#limit / 2)
        : Math.min(this.#most, this.#limit + 1 / this.#limit);
      return answer;
    } finally {
      this.#underWay -= 1;
      for (let free = Math.floor(this.#limit) - this.#underWay; free > 0; free -= 1) {
        this.#waiting.shift()?.();
      }
    }
  }
}
