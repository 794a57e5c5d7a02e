/**
 * Records the exchanges that `tickmark demo` answers from: Acme's world behind the stand-in for
 * AWS, asked by the real command line. Run it as `node dist/scripts/record-demo.js`.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/cli/package.ts';
import { startStandIn } from '../test/support/aws-stand-in.ts';
import { factsOf, seed } from '../test/support/aws-world.ts';
import { motoAvailable, startMoto } from '../test/support/moto.ts';
import { demoWorld } from './demo-world.ts';

const demo = join(packageRoot, 'fixtures', 'demo');
const exchanges = join(demo, 'exchanges');

if (!motoAvailable) {
  process.stderr.write('record-demo needs moto_server on the PATH (pip install "moto[server]")\n');
  process.exitCode = 2;
} else {
  process.stdout.write(`recorded at ${await record()}\n`);
}

/** Records anew what is in fixtures/demo. Returns the time from which the demo's clock runs. */
async function record(): Promise<string> {
  const store = await mkdtemp(join(tmpdir(), 'tickmark-record-'));
  const moto = await startMoto();
  const standIn = await startStandIn(moto.endpoint, { likeAws: true, facts: factsOf(demoWorld) });
  try {
    await seed(demoWorld, standIn.endpoint);
    await rm(exchanges, { recursive: true, force: true });
    const { finished_at } = await runTickmark(standIn.endpoint, store);
    // The end, in whole seconds: replaying takes less time than recording did, and no answer may
    // be younger than the clock that it is read by.
    const recorded_at = new Date(Math.ceil(Date.parse(finished_at) / 1000) * 1000).toISOString();
    await writeFile(join(demo, 'recording.json'), `${JSON.stringify({ recorded_at }, null, 2)}\n`);
    return recorded_at;
  } finally {
    await standIn.close();
    await moto.stop();
    await rm(store, { recursive: true, force: true });
  }
}

/** `tickmark run --record`: the deviations that it finds (exit 1) are what the demo shows. */
function runTickmark(endpoint: string, store: string): Promise<{ finished_at: string }> {
  const args = ['run', '--json', '--record', exchanges, '--store', store];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [
        join(packageRoot, 'dist', 'src', 'cli', 'main.js'),
        ...args,
        '--config',
        join(demo, 'tickmark.yaml'),
      ],
      {
        env: {
          PATH: process.env.PATH,
          HOME: store,
          AWS_ENDPOINT_URL: endpoint,
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
          AWS_EC2_METADATA_DISABLED: 'true',
        },
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        if (error !== null && error.code !== 1) reject(new Error(`${error.message}\n${stderr}`));
        else resolve(JSON.parse(stdout));
      },
    );
  });
}
