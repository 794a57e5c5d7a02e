import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openReachDays, openRegistry, reachDaysIn } from '../../src/cli/registry.ts';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

const plugin = `export default ({ defineHttpSource, defineEvents, z }) => ({
  sources: [
    defineHttpSource({
      id: 'door',
      title: 'A door',
      config: z.strictObject({}),
      calls: { 'GET /entries': 'door:read' },
      connect: async () => ({ identities: [], scopes: [], leftOut: [] }),
    }),
  ],
  collectors: [
    {
      id: 'door.access',
      title: 'Who entered',
      datasets: [
        defineEvents({
          name: 'door.entries',
          version: 1,
          title: 'Entries',
          kind: 'events',
          reachDays: 30,
          level: 'door',
          fields: z.object({ late: z.boolean().describe('Whether it was at night') }),
          calls: { 'GET /entries': 'door:read' },
          collect: async () => {},
        }),
      ],
    },
  ],
});
`;

async function configured(plugins: string[]): Promise<LoadedConfig> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'door.js'), plugin);
  const sources = [{ id: 'production', use: 'aws' }];
  const file = join(folder, 'tickmark.yaml');
  await writeFile(file, JSON.stringify({ organization: 'Acme, Inc.', sources, plugins }));
  return loadConfig(file);
}

afterAll(removeTemporary);

describe('days for which a source tells of an event', () => {
  it('are those that the built-in collectors declare, though none is loaded', async () => {
    const declared = reachDaysIn(await openRegistry());
    expect(declared.size).toBeGreaterThan(0);
    expect(await openReachDays(await configured([]))).toEqual(declared);
  });

  it('are those of plugins too', async () => {
    const declared = reachDaysIn(await openRegistry());
    expect(await openReachDays(await configured(['./door.js']))).toEqual(
      new Map([...declared, ['door.entries', 30]]),
    );
  });
});
