import { expect, it, vi } from 'vitest';
import { configJsonSchema } from '../../src/config/schema.ts';
import { controlJsonSchema } from '../../src/controls/schema.ts';
import { waiversJsonSchema } from '../../src/controls/waivers.ts';
import { reportJsonSchema } from '../../src/report/schema.ts';
import { tickmark } from '../support/cli.ts';
import { read, root } from './pages.ts';

// Each test starts the program, several times; a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

it.each([
  ['config', 'docs/schemas/tickmark.schema.json', configJsonSchema()],
  ['control', 'docs/schemas/control.schema.json', controlJsonSchema()],
  ['waivers', 'docs/schemas/waivers.schema.json', waiversJsonSchema()],
  ['report', 'docs/schemas/report.schema.json', reportJsonSchema()],
])('controls schema --of %s is published as %s', async (of, file, schema) => {
  const published = JSON.parse(read(file));
  expect(published).toEqual(schema);
  const printed = await tickmark(['controls', 'schema', '--of', of], '', { cwd: root });
  expect(JSON.parse(printed.stdout)).toEqual(published);
});
