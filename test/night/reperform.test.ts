/** Whole nights through the command line, evaluated again from what they sealed. */
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStandIn } from '../support/aws-stand-in.ts';
import { factsOf, seed } from '../support/aws-world.ts';
import { type CliResult, tickmark } from '../support/cli.ts';
import { motoAvailable, motoMissing, startMoto } from '../support/moto.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { newProject } from './project.ts';
import { smallParameters, smallWorld } from './small-world.ts';

afterAll(removeTemporary);

const plugin = `export default ({ defineHttpSource, defineHttpSnapshot, z }) => ({
  sources: [
    defineHttpSource({
      id: 'press',
      title: 'A press',
      config: z.strictObject({ address: z.url().describe('Where it is') }),
      calls: { 'GET /labels': 'labels:read' },
      async connect(provider, config) {
        const attach = provider.open(config.address, {});
        return { identities: [], scopes: [{ level: 'press', name: 'main', attach }], leftOut: [] };
      },
    }),
  ],
  collectors: [
    {
      id: 'press.labels',
      title: 'Labels',
      datasets: [
        {
          name: 'press.labels',
          version: 1,
          title: 'Labels of the press',
          kind: 'snapshot',
          level: 'press',
          fields: z.object({ legible: z.boolean().describe('Whether it can be read') }),
          calls: { 'GET /labels': 'labels:read' },
          async collect(press) {
            const answer = await press.get('GET /labels', {}, {});
            for (const { id, legible } of answer.body) {
              press.emit({ uid: id, name: id, fields: { legible }, original: { id }, from: [answer] });
            }
          },
        },
      ],
    },
  ],
});
`;
const control = (id: string, test: string, expect: string) => `id: "${id}"
title: Labels
statement: Every label can be read.
criteria: { soc2: ["CC6.1"] }
category: security
owner: Nobody
frequency: daily
tests:
  - id: ${test}
    title: The label can be read
    over: press.labels
    as: label
    expect: ${expect}
    message: "{{ label.legible ? 'legible' : 'not legible' }}"
    remediation: Print it again.
`;

describe('nights with a plugin', () => {
  const server = createServer((_request, response) => {
    const labels = ['a', 'b', 'c'].map((id) => ({ id, legible: id !== 'b' }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(labels));
  });
  let cwd: string;
  const command = (...args: string[]): Promise<CliResult> => tickmark(args, '', { cwd });

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cwd = await temporaryFolder();
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await writeFile(join(cwd, 'press.js'), plugin);
    await mkdir(join(cwd, 'controls'));
    await writeFile(
      join(cwd, 'controls', 'LB-01.yaml'),
      control('LB-01', 'label-legible', 'label.legible'),
    );
    await writeFile(
      join(cwd, 'tickmark.yaml'),
      JSON.stringify({
        organization: 'Acme, Inc.',
        period: { start: '2026-01-01', end: '2026-12-31' },
        sources: [{ id: 'hall', use: 'press', with: { address } }],
        controls: ['./controls'],
        plugins: ['./press.js'],
      }),
    );
    expect((await command('collect')).code).toBe(0);
    for (let night = 0; night < 2; night += 1) expect((await command('run')).code).toBe(1);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('come to the same results; what was only collected is counted apart', async () => {
    const { stdout, code } = await command('reperform');
    expect(stdout).toBe(
      'Evaluated 2 bundles again (1 bundle more without results), 6 results compared: no difference.\n',
    );
    expect(code).toBe(0);
  });

  it('come to the same results when they are judged by a control of later', async () => {
    await writeFile(
      join(cwd, 'controls', 'LB-02.yaml'),
      control('LB-02', 'label-any', 'label.legible || true'),
    );
    expect((await command('evaluate')).code).toBe(1);
    expect((await command('reperform')).stdout).toBe(
      'Evaluated 3 bundles again (1 bundle more without results), 12 results compared: no difference.\n',
    );
  });

  it('are said to be not evaluated where the plugin is not there', async () => {
    const elsewhere = await temporaryFolder();
    const args = ['reperform', join(cwd, 'evidence')];
    const { stdout, code } = await tickmark(args, '', { cwd: elsewhere });
    expect(stdout).toContain('LB-01, LB-02 (bundles 2–4): ');
    expect(stdout).toContain('no collector here gives press.labels');
    expect(stdout).toMatch(
      /^Evaluated nothing again: 12 results could not be, in 3 bundles \(1 bundle more without results\)\.\n$/m,
    );
    expect(code).toBe(3);
  });
});

describe.skipIf(!motoAvailable)(`a night on AWS${motoMissing}`, () => {
  it('comes to the same results again', async () => {
    const cwd = await newProject({ parameters: smallParameters });
    const moto = await startMoto();
    try {
      const standIn = await startStandIn(moto.endpoint, {
        likeAws: true,
        facts: factsOf(smallWorld),
      });
      try {
        await seed(smallWorld, standIn.endpoint);
        await tickmark(['run'], standIn.endpoint, { cwd });
      } finally {
        await standIn.close();
      }
    } finally {
      await moto.stop();
    }
    const { stdout, code } = await tickmark(['reperform'], '', { cwd });
    expect(stdout).toMatch(/^Evaluated 1 bundle again, \d+ results compared: no difference\.\n$/);
    expect(code).toBe(0);
  }, 90_000);
});
