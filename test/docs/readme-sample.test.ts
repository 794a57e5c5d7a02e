import { afterAll, expect, it, vi } from 'vitest';
import { tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { fence } from './pages.ts';

// Each test starts the program, several times; a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

afterAll(removeTemporary);

it('the sample in README.md is a part of what the demo prints, in its order', async () => {
  const { stdout, code } = await tickmark(['demo'], '', { cwd: await temporaryFolder() });
  expect(code).toBe(0);
  const parts = fence('README.md', 'text', 'demo').text.split('…\n');
  expect(parts.length).toBeGreaterThan(2);
  let rest = stdout;
  for (const part of parts) {
    const at = rest.indexOf(part);
    expect(at, `${part} in ${rest}`).toBeGreaterThanOrEqual(0);
    rest = rest.slice(at + part.length);
  }
});
