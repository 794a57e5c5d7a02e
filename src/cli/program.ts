import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { statuses } from '../evidence/result.ts';
import { strata } from '../period/sample.ts';
import type { CollectOptions, CommandIo, ProjectOptions } from './command.ts';
import { exitCodes } from './exit.ts';
import { formats, type NightReport } from './formats.ts';
import { packageVersion } from './package.ts';

const defaultDeadlineSeconds = 600;

/** Builds the command line. The function it returns parses arguments and gives the exit code. */
export function createProgram(io: CommandIo): (args: string[]) => Promise<number> {
  let exitCode: number = exitCodes.complete;
  /** Loads a command's module and keeps its exit code. */
  const action =
    <Args extends unknown[]>(
      load: () => Promise<(io: CommandIo, ...args: Args) => Promise<number>>,
    ) =>
    async (...args: Args) => {
      exitCode = await (await load())(io, ...args);
    };

  const program = new Command('tickmark')
    .description(
      'Collects SOC 2 Type II evidence every night, checks it against controls, and seals it.',
    )
    .version(packageVersion(), '-V, --version')
    .helpCommand(true)
    .showHelpAfterError('Run tickmark --help for the commands.')
    .showSuggestionAfterError(true)
    .exitOverride();
  program.configureOutput({
    writeOut: (text) => io.terminal.out(text.trimEnd()),
    writeErr: (text) => io.terminal.err(text.trimEnd()),
  });
  program.addHelpText(
    'after',
    `
Examples:
  tickmark demo                       a year of nights without any account
  tickmark init && tickmark run       the first night of your own
  tickmark results --status fail      what deviates, and why
  tickmark verify ./evidence          is everything as it was sealed?

Exit codes: 0 evidence complete, no deviation · 1 deviations · 2 usage or configuration ·
3 evidence incomplete · 4 integrity broken · 130 interrupted`,
  );

  const command = (parent: Command, name: string, description: string, examples: string[]) =>
    parent
      .command(name)
      .description(description)
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
  const withConfig = (made: Command) =>
    made.option('-c, --config <file>', 'the configuration', 'tickmark.yaml');
  const withProject = (made: Command) =>
    withConfig(made).option(
      '--store <place>',
      'where bundles live, instead of store: in the configuration',
    );
  const withCollecting = (made: Command) =>
    withProject(made)
      .option('--json', 'print the summary as data')
      .addOption(
        new Option(
          '--clock <time>',
          'simulate the clock from this time on; written into the manifest',
        ).argParser(parseTime),
      )
      .option(
        '--record <folder>',
        'write every exchange with the APIs there, secrets masked',
        parseNotEmpty,
      )
      .addOption(
        new Option(
          '--replay <folder>',
          'answer from recorded exchanges instead of the network',
        ).conflicts('record'),
      )
      .addOption(
        new Option('--deadline <seconds>', 'give a slice up after this long')
          .argParser(parsePositive)
          .default(defaultDeadlineSeconds),
      );

  withCollecting(
    command(program, 'run', 'Collect, evaluate and seal: what the nightly job calls.', [
      'tickmark run',
      'tickmark run --json > summary.json',
      'tickmark run --report junit=results.xml,markdown=summary.md',
    ]),
  )
    .addOption(
      new Option(
        '--report <list>',
        'write reports of the period behind the night: junit=results.xml,markdown=summary.md',
      ).argParser(parseNightReports),
    )
    .action(
      action<[import('./commands/run.ts').RunOptions]>(
        async () => (await import('./commands/run.ts')).run,
      ),
    );

  withCollecting(
    command(program, 'collect', 'Collect and seal evidence without judging it.', [
      'tickmark collect',
    ]),
  ).action(action<[CollectOptions]>(async () => (await import('./commands/run.ts')).collectOnly));

  withProject(
    command(
      program,
      'evaluate',
      "Judge evidence that is already sealed by today's controls; sealed as a bundle of its own.",
      ['tickmark evaluate', 'tickmark evaluate --run 20260131T020000Z-1a2b3c'],
    ),
  )
    .option('--run <id>', 'the run whose evidence is judged (default: the latest)')
    .option('--json', 'print the summary as data')
    .action(
      action<[ProjectOptions & { run?: string; json?: boolean }]>(
        async () => (await import('./commands/evaluate.ts')).evaluate,
      ),
    );

  withProject(
    command(program, 'results', 'Print results, one line for each test and resource.', [
      'tickmark results',
      'tickmark results --json --status fail,error',
      'tickmark results --test aws-iam-mfa --run 20260131T020000Z-1a2b3c',
      'tickmark results --at 2026-01-31',
    ]),
  )
    .option('--run <id>', 'the run (default: the latest)')
    .addOption(
      new Option('--at <when>', 'the last run of this day, or the last one before this moment')
        .argParser(parseDayOrTime)
        .conflicts('run'),
    )
    .addOption(
      new Option('--status <list>', `only these: ${statuses.join(', ')}`).argParser(parseStatuses),
    )
    .option('--control <id>', 'only this control')
    .option('--test <id>', 'only this test')
    .option('--json', 'print one JSON object a line')
    .action(
      action<[import('./commands/results.ts').ResultsOptions]>(
        async () => (await import('./commands/results.ts')).results,
      ),
    );

  withProject(
    command(
      program,
      'waive',
      'Write down that a deviation is accepted: by whom, why, until when.',
      [
        'tickmark waive aws-iam-mfa "svc-*" --reason "Break-glass user, kept in a safe" \\',
        '    --approver "Grace Hopper" --until 2026-05-31 --ticket SEC-123',
        'tickmark waive pi-store acme-tmp --scope 123456789012 --reason "Emptied every night" \\',
        '    --approver "Grace Hopper" --until 2026-03-31 --dry-run',
      ],
    ),
  )
    .argument('<test>', 'the id of the test whose deviations are accepted')
    .argument('<resource>', 'pattern of the name or the uid; * stands for any run of characters')
    .option('--reason <words>', 'why it is accepted; required')
    .option('--approver <name>', 'who approved it; required')
    .option('--until <day>', 'the last day, as 2026-05-31; required')
    .option('--from <day>', 'the first day (default: today in the configured time zone)')
    .option('--scope <pattern>', 'only in these scopes: accounts, organisations')
    .option('--compensating-control <words>', 'what lessens the risk meanwhile')
    .option('--ticket <id>', 'where the approval is written down')
    .option('--dry-run', 'only say what would be written, and what it would cover')
    .option('--json', 'print data')
    .action(
      action<[string, string, import('./commands/waive.ts').WaiveOptions]>(
        async () => (await import('./commands/waive.ts')).waive,
      ),
    );

  const withPeriod = (made: Command) =>
    withProject(made)
      .addOption(
        new Option(
          '--from <day>',
          'first day (default: that of period: in the configuration)',
        ).argParser(parseDay),
      )
      .addOption(
        new Option('--until <day>', 'last day, included (default: that of period:)').argParser(
          parseDay,
        ),
      );

  withPeriod(
    command(program, 'status', 'Say of each control what its nights come to over the period.', [
      'tickmark status',
      'tickmark status --control AC-02',
      'tickmark status --as-of 2026-06-30 --json',
    ]),
  )
    .option('--control <id>', 'this control in full: gaps, deviations, what judged it')
    .addOption(asOfOption())
    .option('--json', 'print data')
    .action(
      action<[import('./commands/status.ts').StatusOptions]>(
        async () => (await import('./commands/status.ts')).status,
      ),
    );

  withPeriod(
    command(program, 'report', 'Write what a period comes to: a page to read, or data.', [
      'tickmark report',
      'tickmark report --out period.xlsx --from 2026-01-01 --until 2026-06-30',
      'tickmark report --format markdown --control AC-02',
    ]),
  )
    .option('--out <file>', 'where it goes; its ending says the format')
    .addOption(new Option('--format <format>', 'instead of by the ending').choices(formats))
    .option('--control <id>', 'of this control only')
    .addOption(asOfOption())
    .option('--force', 'replace a file that exists')
    .addOption(new Option('--json', 'print data: --format json').conflicts(['out', 'format']))
    .action(
      action<[import('./commands/report.ts').ReportOptions]>(
        async () => (await import('./commands/report.ts')).report,
      ),
    );

  withPeriod(
    command(program, 'export', 'Write what an auditor receives: an archive of the period.', [
      'tickmark export --out acme-2026.zip',
      'tickmark export --out ./acme-2026 --control AC-02 --from 2026-01-01 --until 2026-06-30',
      'tickmark export --out acme-2026-redacted.zip --redact',
    ]),
  )
    .requiredOption('--out <place>', 'FILE.zip, or a new folder')
    .option('--control <id>', 'of this control only')
    .addOption(asOfOption())
    .option('--redact', 'pseudonyms for people, and nothing of the evidence as it was sealed')
    .option('--force', 'replace a file that exists')
    .option('--json', 'print data')
    .action(
      action<[import('./commands/export.ts').ExportOptions]>(
        async () => (await import('./commands/export.ts')).exportArchive,
      ),
    );

  withProject(
    command(program, 'diff', 'Say what differs between the results of two runs.', [
      'tickmark diff 2026-01-30 2026-01-31',
      'tickmark diff 20260130T020000Z-1a2b3c 20260131T020000Z-4d5e6f --control AC-02',
    ]),
  )
    .addArgument(new Argument('<from>', 'a run, a day or a moment').argParser(parseRun))
    .addArgument(new Argument('<to>', 'another one').argParser(parseRun))
    .option('--control <id>', 'only this control')
    .option('--test <id>', 'only this test')
    .option('--all', 'also other reasons for the same status, and events of one run only')
    .option('--json', 'print one JSON object a line')
    .action(
      action<[string, string, import('./commands/diff.ts').DiffOptions]>(
        async () => (await import('./commands/diff.ts')).diff,
      ),
    );

  withPeriod(
    command(
      program,
      'population',
      'Print everything that a test was to judge in a period, and what shows that it is complete.',
      [
        'tickmark population aws-iam-mfa > users.csv',
        'tickmark population chg-approve --from 2026-01-01 --until 2026-06-30 --out changes.csv',
      ],
    ),
  )
    .argument('<test>', 'the id of a test')
    .option(
      '--out <file>',
      'write the table there, and what shows its completeness beside it',
      parseNotEmpty,
    )
    .option('--force', 'replace files that exist')
    .addOption(
      new Option('--json', 'print all of it as one JSON object').conflicts(['out', 'force']),
    )
    .action(
      action<[string, import('./commands/population.ts').PopulationOptions]>(
        async () => (await import('./commands/population.ts')).population,
      ),
    );

  withPeriod(
    command(
      program,
      'sample',
      'Draw items from the population of a test, seal the draw, and write the evidence of each.',
      [
        'tickmark sample chg-approve --size 25 --seed 2026-4711',
        'tickmark sample aws-iam-mfa --size auto --seed 2026-4711 --by status --out users',
      ],
    ),
  )
    .argument('<test>', 'the id of a test')
    .addOption(
      new Option(
        '--size <number>',
        "items to draw, or auto: by samples: in the configuration and the control's frequency; required",
      ).argParser(parseSize),
    )
    .addOption(
      new Option(
        '--seed <text>',
        'what decides the draw; the auditor gives it; required',
      ).argParser(parseSeed),
    )
    .addOption(
      new Option('--by <stratum>', 'draw so many of each: of each scope, source, …').choices(
        strata,
      ),
    )
    .option(
      '--out <folder>',
      'a new folder for the evidence (default: sample-<test>-<run>)',
      parseNotEmpty,
    )
    .option('--json', 'print data')
    .action(
      action<[string, import('./commands/sample.ts').SampleOptions]>(
        async () => (await import('./commands/sample.ts')).sample,
      ),
    );

  const store = command(program, 'store', 'Look after the store: its size, leftovers, wholeness.', [
    'tickmark store stats',
    'tickmark store gc --dry-run',
    'tickmark store check',
  ]);
  const onStore = async () => import('./commands/store.ts');
  withProject(
    command(store, 'stats', 'Print what the store holds and what a night adds.', [
      'tickmark store stats',
      'tickmark store stats --store s3://acme-evidence/tickmark --json',
    ]),
  )
    .option('--json', 'print data')
    .action(
      action<[import('./commands/store.ts').StoreOptions]>(async () => (await onStore()).stats),
    );
  withProject(
    command(store, 'gc', 'Remove what killed runs left: files that no bundle names.', [
      'tickmark store gc --dry-run',
      'tickmark store gc --older-than 30',
    ]),
  )
    .option('--dry-run', 'only say what would be removed')
    .addOption(
      new Option('--older-than <days>', 'leave what was written since: a run may be under way')
        .argParser(parseDays)
        .default(7),
    )
    .option('--json', 'print data')
    .action(action<[import('./commands/store.ts').GcOptions]>(async () => (await onStore()).gc));
  withProject(
    command(
      store,
      'check',
      'Read everything and hold it against its digests: is the store whole?',
      ['tickmark store check'],
    ),
  )
    .option('--json', 'print data')
    .action(
      action<[import('./commands/store.ts').StoreOptions]>(async () => (await onStore()).check),
    );

  command(
    program,
    'verify',
    'Hold a store, or a copy of one, against its digests, chain, signatures and timestamps.',
    [
      'tickmark verify ./evidence --head 31:sha256:<digest> --key auditor/acme.pub.pem',
      'tickmark verify s3://acme-evidence/tickmark --require-signature --tsa-ca tsa.pem',
    ],
  )
    .argument('<store>', 'a folder, s3://bucket/prefix, or an exported archive')
    .option(
      '--head <sequence:digest>',
      'the head of the chain, as a run printed it and you kept it; may be given again',
      collectValues,
    )
    .option(
      '--key <file>',
      'a public key that you hold, or its fingerprint; may be given again',
      collectValues,
    )
    .option('--tsa-ca <file>', 'root certificates (PEM) that timestamps have to end at')
    .option('--require-signature', 'an unsigned bundle is a break')
    .option('--require-timestamp', 'a bundle that nobody stamped is a break')
    .option('--json', 'print data')
    .action(
      action<[string, import('./commands/verify.ts').VerifyCommandOptions]>(
        async () => (await import('./commands/verify.ts')).verify,
      ),
    );

  withProject(
    command(
      program,
      'reperform',
      'Evaluate each sealed night again from its archived evidence, and compare.',
      ['tickmark reperform', 'tickmark reperform ./evidence --run 20260131T020000Z-1a2b3c'],
    ),
  )
    .argument(
      '[store]',
      'a folder, s3://bucket/prefix, or an exported archive (default: the configured store)',
    )
    .option('--run <id>', 'only this run')
    .option('--json', 'print data')
    .action(
      action<[string | undefined, import('./commands/reperform.ts').ReperformOptions]>(
        async () => (await import('./commands/reperform.ts')).reperform,
      ),
    );

  withProject(
    command(program, 'keygen', 'Make a key pair that signs bundles, or change who may sign.', [
      'tickmark keygen',
      'tickmark keygen --out signing-key-2027.pem',
      'tickmark keygen --introduce signing-key-2027.pub.pem',
      'tickmark keygen --retire <fingerprint>',
    ]),
  )
    .option('--out <file>', 'where the private key goes', 'signing-key.pem')
    .option(
      '--introduce <key>',
      'seal that this public key (a file, or kms:<arn>) may sign from now on',
    )
    .addOption(
      new Option('--retire <fingerprint>', 'seal that this key may sign no more').conflicts(
        'introduce',
      ),
    )
    .addOption(
      new Option(
        '--begin-anew',
        'every key of before is lost: seal that the configured one signs; each verification says so',
      ).conflicts(['introduce', 'retire']),
    )
    .option('--json', 'print data')
    .action(
      action<[import('./commands/keys.ts').KeysOptions]>(
        async () => (await import('./commands/keys.ts')).keys,
      ),
    );

  command(program, 'init', 'Write a commented tickmark.yaml for what is found here.', [
    'tickmark init',
    'tickmark init --config ops/tickmark.yaml',
  ])
    .option('-c, --config <file>', 'the file to write', 'tickmark.yaml')
    .option('--organization <name>', 'whose evidence it is', parseNotEmpty)
    .option('--force', 'replace a file that exists')
    .option('--json', 'print what was written as data')
    .action(
      action<[import('./commands/init.ts').InitOptions]>(
        async () => (await import('./commands/init.ts')).init,
      ),
    );

  withCollecting(
    command(
      program,
      'doctor',
      'Try each source: who am I, which calls are allowed, what exists that is not asked.',
      ['tickmark doctor'],
    ),
  ).action(action<[CollectOptions]>(async () => (await import('./commands/doctor.ts')).doctor));

  withConfig(
    command(
      program,
      'permissions',
      'Print the least that the tests need: an IAM policy, or the permissions of a GitHub App.',
      ['tickmark permissions > policy.json', 'tickmark permissions --source code'],
    ),
  )
    .option('--source <id>', 'the source, where there are several')
    .option('--json', 'print JSON; it is JSON either way')
    .action(
      action<[ProjectOptions & { source?: string }]>(
        async () => (await import('./commands/permissions.ts')).permissions,
      ),
    );

  const controls = command(program, 'controls', 'Look at controls and try their tests.', [
    'tickmark controls list',
    'tickmark controls test ./controls',
  ]);
  const onControls = async () => import('./commands/controls.ts');
  withConfig(
    command(controls, 'list', 'List the controls with their tests.', ['tickmark controls list']),
  )
    .option('--json', 'print data')
    .action(action<[ProjectOptions & { json?: boolean }]>(async () => (await onControls()).list));
  withConfig(command(controls, 'show', 'Show one control whole.', ['tickmark controls show AC-02']))
    .argument('<id>', 'the id of a control, or of one of its tests')
    .option('--json', 'print data')
    .action(
      action<[string, ProjectOptions & { json?: boolean }]>(async () => (await onControls()).show),
    );
  withConfig(
    command(controls, 'lint', 'Look for faults and gaps in control files.', [
      'tickmark controls lint',
      'tickmark controls lint ./controls',
    ]),
  )
    .argument('[path...]', 'files or folders, instead of controls: in the configuration')
    .option('--json', 'print data')
    .action(
      action<[string[], ProjectOptions & { json?: boolean }]>(
        async () => (await onControls()).lint,
      ),
    );
  withConfig(
    command(controls, 'test', "Run the cases at the bottom of each control's tests.", [
      'tickmark controls test',
      'tickmark controls test ./controls/AC-02-mfa.yaml',
    ]),
  )
    .argument('[path...]', 'files or folders, instead of controls: in the configuration')
    .option('--json', 'print data')
    .action(
      action<[string[], ProjectOptions & { json?: boolean }]>(
        async () => (await onControls()).test,
      ),
    );
  command(
    controls,
    'schema',
    'Print the JSON Schema of a control file, tickmark.yaml, a file of waivers or a report.',
    ['tickmark controls schema', 'tickmark controls schema --of config'],
  )
    .addOption(
      new Option('--of <what>', 'which schema')
        .choices(['control', 'config', 'waivers', 'report'])
        .default('control'),
    )
    .option('--json', 'print JSON; it is JSON either way')
    .action(
      action<[{ of: 'control' | 'config' | 'waivers' | 'report' }]>(
        async () => (await onControls()).schema,
      ),
    );

  const collectors = command(program, 'collectors', 'Look at collectors and their datasets.', [
    'tickmark collectors list',
    'tickmark collectors show aws.iam',
  ]);
  const onCollectors = async () => import('./commands/collectors.ts');
  const withPlugins = (made: Command) =>
    made
      .option('-c, --config <file>', 'the configuration, for its plugins', 'tickmark.yaml')
      .option('--json', 'print data');
  withPlugins(
    command(collectors, 'list', 'List the collectors with their datasets.', [
      'tickmark collectors list',
    ]),
  ).action(action<[{ config: string; json?: boolean }]>(async () => (await onCollectors()).list));
  withPlugins(
    command(collectors, 'show', 'Show the datasets of a collector with their fields.', [
      'tickmark collectors show aws.iam',
      'tickmark collectors show aws.s3.buckets',
    ]),
  )
    .argument('<id>', 'the id of a collector or the name of a dataset')
    .action(
      action<[string, { config: string; json?: boolean }]>(async () => (await onCollectors()).show),
    );

  command(
    program,
    'demo',
    'A year of nights on recorded exchanges: no account, no network, a simulated clock.',
    ['tickmark demo', 'tickmark demo --store ./demo-evidence --json'],
  )
    .option('--store <folder>', 'where its bundles go', './tickmark-demo/evidence')
    .option('--json', 'print the summary as data')
    .action(
      action<[{ store: string; json?: boolean }]>(
        async () => (await import('./commands/demo.ts')).demo,
      ),
    );

  return async (args) => {
    try {
      await program.parseAsync(args, { from: 'user' });
      return exitCode;
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      // Help and version were asked for; anything else is a wrong command line.
      return error.exitCode === 0 ? exitCodes.complete : exitCodes.usage;
    }
  };
}

function parseNotEmpty(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected a name, not an empty text.');
}

function parseTime(text: string): string {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
  const time = new Date(text);
  // A year of five digits is no RFC 3339, and could not be written into a manifest.
  if (!form.test(text) || Number.isNaN(time.getTime()) || time.toISOString().length !== 24) {
    throw new InvalidArgumentError('Expected a time such as 2026-01-31T02:00:00Z.');
  }
  return time.toISOString();
}

/** `junit=results.xml,markdown=summary.md`. */
function parseNightReports(text: string): NightReport[] {
  return text.split(',').map((part) => {
    const [, name = '', file = ''] = /^([^=]*)=(.*)$/s.exec(part) ?? [];
    const format = formats.find((each) => each === name);
    if (format !== undefined && file !== '') return { format, file };
    throw new InvalidArgumentError(
      `Expected formats with files, as in junit=results.xml,markdown=summary.md; formats are ${formats.join(', ')}.`,
    );
  });
}

function asOfOption(): Option {
  return new Option('--as-of <day>', 'one day only, as of a Type I examination')
    .argParser(parseDay)
    .conflicts(['from', 'until']);
}

function parseDay(text: string): string {
  const time = new Date(`${text}T00:00:00Z`);
  // The 30th of February is none.
  const isDay = !Number.isNaN(time.getTime()) && time.toISOString().slice(0, 10) === text;
  if (isDay) return text;
  throw new InvalidArgumentError('Expected a day such as 2026-01-31.');
}

/** A day stays one: which run it means is said by the organisation's time zone. */
function parseDayOrTime(text: string): string {
  return text.length === 10 ? parseDay(text) : parseTime(text);
}

/** The id of a run, or the beginning of it, or what `parseDayOrTime` takes. */
function parseRun(text: string): string {
  return /^\d{4}-/.test(text) ? parseDayOrTime(text) : parseNotEmpty(text);
}

function parseSize(text: string): number | 'auto' {
  if (text === 'auto') return text;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number above 0, or auto.');
}

/** To be typed again from paper, on any machine: signs that every keyboard and encoding has. */
function parseSeed(text: string): string {
  if (/^[\x21-\x7e]{1,100}$/.test(text)) return text;
  throw new InvalidArgumentError(
    'Expected 1 to 100 letters, digits and signs of ASCII, without blanks.',
  );
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0 || value > 86_400) {
    throw new InvalidArgumentError('Expected a number of seconds above 0, one day at most.');
  }
  return value;
}

function parseDays(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number of days.');
}

function collectValues(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function parseStatuses(text: string): string[] {
  const asked = text.split(',').map((status) => status.trim());
  const unknown = asked.filter((status) => !(statuses as readonly string[]).includes(status));
  if (unknown.length > 0) {
    throw new InvalidArgumentError(
      `There is no status ${unknown.join(', ')}; there are ${statuses.join(', ')}.`,
    );
  }
  return asked;
}
