import type { History } from '../../period/history.ts';
import { holdsEvidence } from '../../period/nights.ts';
import { examine } from '../../period/period.ts';
import type { ControlReport, Deviation } from '../../period/report.ts';
import { findResult } from '../../store/results.ts';
import { ChunkReader } from '../../store/search.ts';
import type { Store } from '../../store/store.ts';
import type { CommandIo } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { assertBundles, controlIn, openPeriod, type PeriodOptions } from '../period.ts';
import { printControl, printedDeviations } from '../print-control.ts';
import { type NightsKind, printHead, printStatus } from '../print-status.ts';

export interface StatusOptions extends PeriodOptions {
  control?: string;
  json?: boolean;
}

/**
 * `tickmark status`: what the sealed nights come to over the period. It only reads: 0, and 4 where
 * bundles are missing or damaged.
 */
export async function status({ terminal }: CommandIo, options: StatusOptions): Promise<ExitCode> {
  const period = await openPeriod(options);
  assertBundles(period);
  const { store, history, request } = period;
  const report = examine(history, request);
  const control = options.control === undefined ? undefined : controlIn(report, options.control);
  if (options.json) {
    const only = control === undefined ? report : { ...report, controls: [control] };
    terminal.out(JSON.stringify(only));
  } else if (control === undefined) printStatus(terminal, report, kindOf(history));
  else {
    const reasons = await reasonsOf(store, history, control);
    printHead(terminal, report, kindOf(history));
    printControl(terminal, report, control, statementOf(history, control.id), reasons);
  }
  return report.problems.length > 0 ? exitCodes.integrity : exitCodes.complete;
}

function kindOf({ bundles }: History): NightsKind {
  const nights = bundles.map(({ manifest }) => manifest).filter(holdsEvidence);
  return {
    simulatedClock: nights.some(({ clock }) => clock === 'simulated'),
    replayed: nights.some(({ answers }) => answers === 'replayed'),
  };
}

/** As the newest night had it. */
function statementOf({ bundles, controls }: History, id: string): string {
  const digests = bundles
    .map(({ manifest }) => manifest)
    .sort((a, b) => b.sequence - a.sequence)
    .flatMap((manifest) => manifest.controls.find((each) => each.id === id)?.digest ?? []);
  return controls.get(digests[0] ?? '')?.statement ?? '';
}

/** What decided on the first night that saw each deviation, of those that are printed. */
async function reasonsOf(
  store: Store,
  { bundles }: History,
  { tests }: ControlReport,
): Promise<Map<Deviation, string>> {
  const reader = new ChunkReader(store.backend);
  const inOrder = [...bundles].sort((a, b) => a.manifest.sequence - b.manifest.sequence);
  const reasons = new Map<Deviation, string>();
  for (const deviation of tests.flatMap(printedDeviations)) {
    const { first_run } = deviation;
    // Evidence may have been judged by a later bundle only.
    const judged = inOrder.filter(
      ({ manifest }) => manifest.run === first_run || manifest.evidence_of?.run === first_run,
    );
    for (const bundle of judged) {
      const result = await findResult(reader, bundle, deviation);
      if (result === undefined) continue;
      reasons.set(deviation, result.reason);
      break;
    }
  }
  return reasons;
}
