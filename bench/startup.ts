/** How long the program takes to start, against an empty one. */
import { spawnSync } from 'node:child_process';
import { type Figure, median } from './figures.ts';
import { program } from './tickmark.ts';

const times = 11;
const mostRatio = 3;

export function startupFigures(): Figure[] {
  const milliseconds = (args: string[]) =>
    median(
      Array.from({ length: times }, () => {
        const begun = performance.now();
        const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
        if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
        return performance.now() - begun;
      }),
    );
  const empty = milliseconds(['-e', '0']);
  const version = milliseconds([program, '--version']);
  return [
    {
      name: 'start-up (--version)',
      found: version / empty,
      unit: 'times an empty program',
      budget: mostRatio,
      beside: `${Math.round(version)} of ${Math.round(empty)} ms, medians of ${times}`,
    },
  ];
}
