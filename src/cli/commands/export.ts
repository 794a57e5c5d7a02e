import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Archive, writeArchive } from '../../archive/archive.ts';
import { personalDataOf } from '../../archive/personal.ts';
import { Pseudonyms } from '../../archive/pseudonyms.ts';
import { type Redacted, redact } from '../../archive/redact.ts';
import { loadConfig } from '../../config/load.ts';
import { messageOf, TickmarkError } from '../../evidence/errors.ts';
import { type Period, spanOf } from '../../period/calendar.ts';
import { redactionWords } from '../../report/words.ts';
import type { Manifest } from '../../seal/manifest.ts';
import { Store } from '../../store/store.ts';
import { bundlesNamed } from '../../verify/finding.ts';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openRedactionKey } from '../keys.ts';
import { lean } from '../lean.ts';
import { askedPeriod, type PeriodOptions, readPeriod } from '../period.ts';
import { headLine } from '../print-night.ts';
import { LiveLine } from '../progress.ts';
import { openReachDays, openRegistry } from '../registry.ts';
import { render } from '../render.ts';
import { openReport } from '../report.ts';
import { readRoots } from '../roots.ts';
import { openStore } from '../store.ts';
import { byteSize, plural, type Terminal, wrap } from '../terminal.ts';

export interface ExportOptions extends PeriodOptions {
  /** Of this control only. */
  control?: string;
  /** `FILE.zip`, or a new folder. */
  out: string;
  /** Nobody is named: people have pseudonyms, and what is sealed of the evidence is left out. */
  redact?: boolean;
  /** A file may be replaced. */
  force?: boolean;
  json?: boolean;
}

/**
 * `tickmark export --out FILE.zip`: what an auditor receives. It only reads the store: 0, and 4
 * where bundles are missing: then the archive says so, or where they are damaged: then there is none.
 */
export async function exportArchive(io: CommandIo, options: ExportOptions): Promise<ExitCode> {
  const { terminal, signal } = io;
  const { out, control, force = false } = options;
  const loaded = loadConfig(options.config);
  const pseudonyms = options.redact
    ? new Pseudonyms(await openRedactionKey(loaded, process.env))
    : undefined;
  const registry = await openRegistry(loaded);
  const store = new Store(lean((await openStore(options.store, loaded)).backend));
  const last = await store.last();
  const clock = reportTime(askedPeriod(loaded, options), last?.manifest, new Date());
  const reachDays = await openReachDays(loaded);
  const period = await readPeriod({ loaded, reachDays, store }, options, clock);
  const whole = await openReport(period, control);
  const roots = loaded.config.timestamps?.roots;
  const progress = new LiveLine(terminal);
  let redaction: Redacted | undefined;
  let archive: Archive;
  try {
    if (pseudonyms !== undefined) {
      progress.show('export: who there is');
      const datasets = new Map(
        [...registry.datasets].map(([name, dataset]) => [name, personalDataOf(dataset)]),
      );
      redaction = await redact(whole, { store, datasets, pseudonyms, signal });
    }
    const opened = redaction ?? whole;
    const { report, details } = opened;
    archive = await writeArchive(
      {
        ...{ report, details, store, redaction, control, signal },
        forms: {
          'index.html': () => render('html', opened),
          'workbook.xlsx': () => render('xlsx', opened),
          'oscal/assessment-results.json': () => render('oscal', opened),
        },
        collectors: new Map(
          registry.collectors.flatMap(({ id, datasets }) =>
            datasets.map(({ name }) => [name, id] as const),
          ),
        ),
        roots:
          roots === undefined
            ? []
            : await readRoots(
                resolve(loaded.directory, roots),
                'timestamps.roots',
                'InvalidConfiguration',
              ),
        checkScript: readFileSync(new URL('../../archive/check.sh', import.meta.url), 'utf8'),
        onProgress: (doing) => progress.show(`export: ${doing}`),
      },
      out,
      force,
    );
  } catch (cause) {
    // Of the store's own failures the store tells; what is left is what was to be written.
    if (cause instanceof TickmarkError || !isSystemError(cause)) throw cause;
    const message = `${out} cannot be written: ${messageOf(cause)}; name another place with --out`;
    throw new TickmarkError('Usage', message, { cause });
  } finally {
    progress.clear();
  }
  const { files, bytes, sums } = archive;
  const { report } = redaction ?? whole;
  const { problems } = report.period;
  if (options.json) {
    const { period: days, through, interim, simulated } = report.period;
    terminal.out(
      JSON.stringify({
        ...{ out, files, bytes, sums, head: report.head, period: days },
        ...{ through, interim, simulated, problems, redaction: report.redaction },
        ...(redaction && { manifests_that_name_people: redaction.named }),
      }),
    );
  } else {
    for (const problem of problems) terminal.out(`NOTHING CAN BE CONCLUDED: ${problem}`);
    terminal.out(`Wrote ${out}: ${plural(files, 'file')}, ${byteSize(bytes)}`);
    terminal.out(`SHA-256 of its SHA256SUMS: ${sums}`);
    if (report.head !== null) terminal.out(headLine(report.head));
    if (redaction !== undefined) printRedaction(terminal, redaction);
  }
  return problems.length > 0 ? exitCodes.integrity : exitCodes.complete;
}

function printRedaction({ out, width }: Terminal, { report, named }: Redacted): void {
  const facts = [
    redactionWords(report.redaction as NonNullable<typeof report.redaction>),
    'Text that people write freely, as titles, is searched for known names and mail addresses alone: look at it before you hand it out.',
    'Pseudonyms keep names from readers. Whoever has a list of names, and tries them against the digests in the manifests, can find some of them out.',
    ...(named.length === 0
      ? []
      : [
          `People are named in the manifests of ${bundlesNamed(named)} all the same (who ran it, parameters, whose credentials it had, scopes, what could not be read): a manifest cannot be changed.`,
        ]),
  ];
  for (const line of facts.flatMap((fact) => wrap(fact, width))) out(line);
}

/**
 * The time that an archive's report is made for. It is not the moment of exporting, so that the
 * archive is the same whenever it is made: the end of the newest bundle; or that of the period, if
 * this has passed, so that nights which did not come are gaps.
 */
export function reportTime(
  period: Period,
  newest: Pick<Manifest, 'finished_at'> | undefined,
  clock: Date,
): Date {
  const { end } = spanOf(period);
  const finished = newest === undefined ? 0 : Date.parse(newest.finished_at);
  return new Date(clock.getTime() >= end ? Math.max(finished, end) : finished);
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
