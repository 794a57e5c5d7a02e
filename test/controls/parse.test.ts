import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadControls } from '../../src/controls/load.ts';
import { builtinControl } from '../../src/controls/parse.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('controls that are read when the program is built', () => {
  it('are those that come with it, by the digest of their file, as their files say', () => {
    const controls = loadControls(['builtin:soc2'], root, root);
    const built = JSON.parse(readFileSync(join(root, 'dist/src/controls/parsed.json'), 'utf8'));
    expect(built).toEqual(
      Object.fromEntries(controls.map(({ digest, control }) => [digest, control])),
    );
    expect(controls.length).toBeGreaterThan(20);
  });

  it('are read from their files where the program was not built', () => {
    expect(existsSync(join(root, 'src/controls/parsed.json'))).toBe(false);
    const [control] = loadControls(['builtin:soc2'], root, root);
    expect(builtinControl(control?.digest ?? '')).toBeUndefined();
  });
});
