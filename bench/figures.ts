/** Figures with their budgets, and the table that shows them. */

export interface Figure {
  name: string;
  found: number;
  unit: string;
  /** The most that is allowed; with `least`, the least. Without a budget a figure only informs. */
  budget?: number;
  least?: boolean;
  /** What the figure is held against, in words. */
  beside?: string;
}

export function isOverBudget({ found, budget, least }: Figure): boolean {
  if (budget === undefined) return false;
  // What could not be measured (NaN) keeps no budget.
  return least ? !(found >= budget) : !(found <= budget);
}

/** A line for each figure, its budget beside it. */
export function tableOf(figures: Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    `${readable(figure.found)} ${figure.unit}`.trimEnd(),
    figure.budget === undefined
      ? ''
      : `${figure.least ? 'at least' : 'at most'} ${readable(figure.budget)}`,
    isOverBudget(figure) ? 'OVER' : figure.budget === undefined ? '' : 'ok',
    figure.beside ?? '',
  ]);
  const all = [['figure', 'found', 'budget', '', 'beside'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  return all
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Three digits that count. */
function readable(value: number): string {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US');
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
