/**
 * Records the exchanges that `tickmark demo` answers from: a year of Acme's behind the stand-ins
 * for AWS and GitHub, asked night by night by the program itself. Run it as
 * `node dist/scripts/record-demo.js`; it takes some minutes.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { demoExchanges, demoNights } from '../src/cli/demo-year.ts';
import { runNight } from '../src/cli/night.ts';
import { openProject, type Project } from '../src/cli/project.ts';
import { demoSealing } from '../src/cli/sealing.ts';
import { createTerminal } from '../src/cli/terminal.ts';
import type { FaultRule } from '../test/support/aws-faults.ts';
import { defaultAccount, startStandIn } from '../test/support/aws-stand-in.ts';
import { startGitHub } from '../test/support/github-stand-in.ts';
import { motoAvailable, startMoto } from '../test/support/moto.ts';
import { YearRecording } from './dated-recording.ts';
import { awsFactsAt, awsSteps, DemoAccount } from './demo-aws-year.ts';
import { githubAt } from './demo-github-year.ts';

/** The night on which AWS made no credential report. */
const throttled = '2025-10-09';
const noReport: FaultRule = {
  kind: 'throttle',
  match: { service: 'iam', operation: 'GenerateCredentialReport' },
};

const silent = { info: () => {}, warn: () => {} };

/**
 * The machine's clock at each step, and the time that the step tells of. moto's times are of whole
 * seconds: no two steps share one.
 */
class ToldTimes {
  readonly #steps: { real: number; told: number }[] = [];

  async begin(at: string): Promise<void> {
    const real = Math.ceil(Date.now() / 1_000) * 1_000;
    await new Promise((resolve) => setTimeout(resolve, real - Date.now() + 1));
    this.#steps.push({ real, told: Date.parse(at) });
  }

  /** Undefined for times from before the recording: AWS's own policies have such. */
  tell = (time: Date): Date | undefined => {
    const step = this.#steps.findLast(({ real }) => real <= time.getTime());
    return step && new Date(step.told + time.getTime() - step.real);
  };
}

if (!motoAvailable) {
  process.stderr.write('record-demo needs moto_server on the PATH (pip install "moto[server]")\n');
  process.exitCode = 2;
} else {
  await record();
}

/** Records anew what is in fixtures/demo. */
async function record(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tickmark-record-'));
  const moto = await startMoto();
  const times = new ToldTimes();
  const facts = { [defaultAccount]: {} };
  let now = new Date(0);
  const aws = await startStandIn(moto.endpoint, {
    likeAws: true,
    facts,
    now: () => now,
    redate: times.tell,
  });
  const github = await startGitHub(githubAt(now), { now: () => now });
  const account = new DemoAccount(aws.endpoint);
  const year = new YearRecording();
  const steps = [...awsSteps];
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
    GITHUB_API_URL: github.endpoint,
    GITHUB_TOKEN: github.world.viewer.token ?? '',
  });
  let project: Project | undefined;
  try {
    for (const { at, config } of await demoNights()) {
      const today = at.toISOString();
      for (let step = steps[0]; step !== undefined && step.at < today; step = steps[0]) {
        await times.begin(step.at);
        await step.make(account);
        steps.shift();
      }
      now = at;
      facts[defaultAccount] = awsFactsAt(now);
      Object.assign(github.world, githubAt(now));
      if (today.startsWith(throttled)) aws.fault(noReport);
      if (project?.loaded.file !== config) project = await open(config, folder);
      const exchanges = join(folder, 'night');
      await recordNight(project, exchanges, now);
      await year.add(exchanges, now, { [github.endpoint]: 'https://api.github.com' });
      await rm(exchanges, { recursive: true });
      aws.mend();
    }
    await writeFile(demoExchanges, gzipSync(year.lines(), { level: 9 }));
  } finally {
    account.close();
    await github.close();
    await aws.close();
    await moto.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function open(config: string, folder: string): Promise<Project> {
  return openProject({ config, store: join(folder, 'store') });
}

async function recordNight(project: Project, exchanges: string, at: Date): Promise<void> {
  const options = {
    config: project.loaded.file,
    record: exchanges,
    clock: at.toISOString(),
    deadline: 60,
  };
  const bundles = await runNight(project, options, commandIo(), silent, true, demoSealing);
  const counts = bundles.map(({ manifest }) => JSON.stringify(manifest.results?.counts));
  process.stdout.write(`${at.toISOString().slice(0, 10)} ${counts.join(' ')}\n`);
}

function commandIo() {
  return {
    terminal: createTerminal({}),
    env: process.env,
    signal: new AbortController().signal,
  };
}
