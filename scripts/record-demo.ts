/**
 * Records the exchanges that `tickmark demo` answers from: Acme's world behind the stand-ins for
 * AWS and GitHub, asked by the real command line. Run it as `node dist/scripts/record-demo.js`.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/cli/package.ts';
import { startStandIn } from '../test/support/aws-stand-in.ts';
import { factsOf, seed } from '../test/support/aws-world.ts';
import { startGitHub } from '../test/support/github-stand-in.ts';
import { motoAvailable, startMoto } from '../test/support/moto.ts';
import { demoDays, demoGitHubWorld } from './demo-github-world.ts';
import { demoWorld } from './demo-world.ts';
import { readdress } from './record-case.ts';

const demo = join(packageRoot, 'fixtures', 'demo');
const config = join(demo, 'tickmark.yaml');
const exchanges = join(demo, 'exchanges');
const dayMs = 86_400_000;
const minuteMs = 60_000;

if (!motoAvailable) {
  process.stderr.write('record-demo needs moto_server on the PATH (pip install "moto[server]")\n');
  process.exitCode = 2;
} else {
  process.stdout.write(
    `recorded at ${await record()}; the sample in README.md names commits that have other ids now\n`,
  );
}

/** Records anew what is in fixtures/demo. Returns the time from which the demo's clock runs. */
async function record(): Promise<string> {
  const store = await mkdtemp(join(tmpdir(), 'tickmark-record-'));
  const moto = await startMoto();
  const aws = await startStandIn(moto.endpoint, { likeAws: true, facts: factsOf(demoWorld) });
  try {
    await seed(demoWorld, aws.endpoint);
    // Events are asked by this clock, when recording and when replaying alike. It is a little ahead:
    // no answer may be younger than the clock that it is read by.
    const now = new Date(Math.ceil(Date.now() / minuteMs + 1) * minuteMs);
    await beginPeriod(now);
    await rm(exchanges, { recursive: true, force: true });
    await recordNight(aws.endpoint, now, store);
    if (Date.now() > now.getTime()) throw new Error('recording took too long; record again');
    const recorded_at = now.toISOString();
    await writeFile(join(demo, 'recording.json'), `${JSON.stringify({ recorded_at }, null, 2)}\n`);
    return recorded_at;
  } finally {
    await aws.close();
    await moto.stop();
    await rm(store, { recursive: true, force: true });
  }
}

/** A quarter that began so late that GitHub still tells of all of it. */
async function beginPeriod(now: Date): Promise<void> {
  const start = new Date(now.getTime() - demoDays * dayMs);
  const end = new Date(start);
  end.setUTCMonth(end.getUTCMonth() + 3, end.getUTCDate() - 1);
  const text = await readFile(config, 'utf8');
  const dated = text
    .replace(/^ {2}start: .*$/m, `  start: ${start.toISOString().slice(0, 10)}`)
    .replace(/^ {2}end: .*$/m, `  end: ${end.toISOString().slice(0, 10)}`);
  await writeFile(config, dated);
}

async function recordNight(awsEndpoint: string, now: Date, store: string): Promise<void> {
  const world = demoGitHubWorld(now);
  const github = await startGitHub(world, { now: () => now });
  try {
    await runTickmark(store, ['--clock', now.toISOString()], {
      AWS_ENDPOINT_URL: awsEndpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
      GITHUB_API_URL: github.endpoint,
      GITHUB_TOKEN: world.viewer.token ?? '',
    });
    await readdress(exchanges, github.endpoint, 'https://api.github.com');
  } finally {
    await github.close();
  }
}

/** `tickmark run --record`: the deviations that it finds (exit 1) are what the demo shows. */
function runTickmark(store: string, args: string[], env: Record<string, string>): Promise<void> {
  const program = join(packageRoot, 'dist', 'src', 'cli', 'main.js');
  const all = ['run', '--config', config, '--store', store, '--record', exchanges, ...args];
  const options = { env: { PATH: process.env.PATH, HOME: store, ...env } };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...all], options, (error, stdout, stderr) => {
      if (error === null || error.code === 1) resolve();
      else reject(new Error(`${error.message}\n${stdout}${stderr}`));
    });
  });
}
