import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Limiter } from '../../src/providers/limiter.ts';

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('Limiter', () => {
  it('never has more under way than allowed, and does all the work', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.constantFrom('good', 'throttled', 'broken'), { maxLength: 60 }),
        async (most, answers) => {
          const limiter = new Limiter(most);
          let underWay = 0;
          let highest = 0;
          const outcomes = await Promise.allSettled(
            answers.map((answer) =>
              limiter.run(
                async () => {
                  underWay += 1;
                  highest = Math.max(highest, underWay);
                  await tick();
                  underWay -= 1;
                  if (answer === 'broken') throw new Error('broken');
                  return answer;
                },
                (given) => given === 'throttled',
              ),
            ),
          );
          expect(highest).toBeLessThanOrEqual(most);
          expect(outcomes.map((outcome) => outcome.status)).toEqual(
            answers.map((answer) => (answer === 'broken' ? 'rejected' : 'fulfilled')),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('lets fewer through after throttling, and more again after good answers', async () => {
    const limiter = new Limiter(8);
    let underWay = 0;
    let highest = 0;
    const burst = async (throttled: boolean) => {
      highest = 0;
      const work = async () => {
        underWay += 1;
        highest = Math.max(highest, underWay);
        await tick();
        underWay -= 1;
        return throttled;
      };
      await Promise.all(Array.from({ length: 40 }, () => limiter.run(work, (answer) => answer)));
      return highest;
    };
    expect(await burst(false)).toBe(8);
    await burst(true);
    for (let single = 0; single < 3; single += 1) {
      await limiter.run(
        async () => false,
        (answer) => answer,
      );
    }
    expect(await burst(true)).toBeLessThan(8);
    for (let round = 0; round < 5; round += 1) await burst(false);
    expect(await burst(false)).toBe(8);
  });
});
