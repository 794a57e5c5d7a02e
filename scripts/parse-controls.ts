/** Writes the built-in controls as the program reads them, so that it need not at every start. */
import { writeFileSync } from 'node:fs';
import { packageRoot } from '../src/cli/package.ts';
import { loadControls } from '../src/controls/load.ts';
import { parsedFile } from '../src/controls/parse.ts';

const controls = loadControls(['builtin:soc2'], packageRoot, packageRoot);
writeFileSync(
  parsedFile,
  JSON.stringify(Object.fromEntries(controls.map(({ digest, control }) => [digest, control]))),
);
