import { expect, it } from 'vitest';
import { loadControls } from '../../src/controls/load.ts';
import { root } from './pages.ts';

/** docs/tests.md for the built-in controls. `npx vitest run test/docs -u` writes it anew. */
function page(): string {
  const controls = loadControls(['builtin:soc2'], root, root);
  const tests = controls.flatMap(({ control }) => control.tests);
  const lines = [
    '# The built-in tests',
    '',
    `${controls.length} controls, ${tests.length} tests. This page is written from the control files in \`controls/soc2/\`; a test holds it equal.`,
    '`tickmark controls show <id>` prints a control with its expressions.',
  ];
  for (const { control, file } of controls) {
    lines.push('', `## ${control.id} ${control.title}`, '', control.statement, '');
    const criteria = Object.entries(control.criteria).map(
      ([name, ids]) => `${name} ${ids.join(', ')}`,
    );
    lines.push(
      `${control.category} · ${control.frequency} · ${criteria.join(' · ')} · \`${file.replace('builtin:', 'controls/')}\``,
      '',
    );
    const cells = control.tests.map(({ id, title, severity, over, lookups, parameters }) => {
      const others = Object.values(lookups).map((lookup) => `\`${lookup.in}\``);
      const values = Object.entries(parameters).map(
        ([name, { default: value, description }]) =>
          `\`${name}\` = \`${JSON.stringify(value)}\`: ${description}`,
      );
      return [`\`${id}\``, title, severity, `\`${over}\``, others.join(', '), values.join('; ')];
    });
    lines.push(
      ...table([['test', 'asserts', 'severity', 'over', 'also reads', 'parameters'], ...cells]),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Columns as wide as their widest cell, as the formatter writes them. */
function table(cells: string[][]): string[] {
  const widths = (cells[0] ?? []).map((_cell, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [head, widths.map((width) => '-'.repeat(width)), ...body].map(line);
}

it('docs/tests.md lists each test of each built-in control', async () => {
  await expect(page()).toMatchFileSnapshot('../../docs/tests.md');
});
