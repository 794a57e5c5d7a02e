/** `npm run bench`: figures with their budgets; ends with 1 where one is over (bench/README.md). */
import { chromiumPath } from '../test/support/browser.ts';
import { motoAvailable } from '../test/support/moto.ts';
import { evaluationFigures } from './evaluation.ts';
import { isOverBudget, tableOf } from './figures.ts';
import { githubFigures } from './github.ts';
import { nightFigures } from './night.ts';
import { reportFigures } from './report.ts';
import { startupFigures } from './startup.ts';
import { statusFigures } from './status.ts';
import { yearFigures } from './year.ts';

const figures = [
  ...startupFigures(),
  ...(await evaluationFigures()),
  ...(await githubFigures()),
  ...(await statusFigures()),
  ...(chromiumPath === undefined ? [] : await reportFigures()),
  ...(motoAvailable ? [...(await nightFigures()), ...(await yearFigures())] : []),
];
process.stdout.write(tableOf(figures));
if (chromiumPath === undefined) {
  process.stdout.write('\nLeft out: the report in a browser. It needs Chromium in the PATH.\n');
}
if (!motoAvailable) {
  process.stdout.write(
    '\nLeft out: API calls, memory and store growth of a night, and the year of nights. They need moto_server on the PATH (pip install "moto[server]").\n',
  );
}
if (figures.some(isOverBudget)) process.exitCode = 1;
