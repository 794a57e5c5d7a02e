import { describe, expect, it } from 'vitest';
import { loadCrosswalks } from '../../src/controls/crosswalks.ts';
import { lintControls } from '../../src/controls/lint.ts';
import { controlText, loadText, testText } from './support.ts';

const crosswalks = loadCrosswalks(new URL('../../controls/crosswalks', import.meta.url).pathname);

const cases = ['pass', 'fail', 'error'].map((status) => ({ name: status, record: {}, status }));
const good = controlText(testText({ expect: 'user.mfa_active', cases }));

function lint(text: string, file?: string): string[] {
  return lintControls([loadText(text, file)], crosswalks).map(
    (f) => `${f.severity} ${f.line}:${f.column} ${f.path}: ${f.message}`,
  );
}

describe('lintControls', () => {
  it('finds nothing in a good control', () => {
    expect(lint(good)).toEqual([]);
  });

  it.each(['users.yaml', 'AC-01.yaml', 'AC-01-.yaml', 'AC-01-Users.yaml', 'AC-011-users.yaml'])(
    'finds the file name %s',
    (file) => {
      expect(lint(good, `controls/${file}`)).toEqual([
        `error 1:5 id: the file is called ${file}; call it AC-01-<title-in-a-few-words>.yaml`,
      ]);
    },
  );

  it('finds criteria that do not exist', () => {
    const text = good.replace(
      '{ soc2: ["CC6.1"] }',
      '{ soc2: ["CC6.1", "CC61"], sox: ["1"], cis_aws_v3: ["1.10", "x"], iso27001: ["A.8.35"] }',
    );
    expect(lint(text)).toEqual([
      expect.stringMatching(
        /^error 4:\d+ criteria\.soc2\[1\]: .* has no "CC61"; did you mean "CC6.1"\?$/,
      ),
      expect.stringMatching(/^error 4:\d+ criteria\.sox: unknown framework "sox"/),
      expect.stringMatching(/^error 4:\d+ criteria\.cis_aws_v3\[1\]: .* has no "x"$/),
      expect.stringMatching(/^error 4:\d+ criteria\.iso27001\[0\]: .* has no "A\.8\.35"/),
    ]);
  });

  it.each(['pass', 'fail', 'error'])('finds a test without a case of status %s', (status) => {
    const some = cases.filter((c) => c.status !== status);
    const text = controlText(testText({ expect: 'user.mfa_active', cases: some }));
    expect(lint(text)).toEqual([
      expect.stringMatching(
        new RegExp(`^error .* tests\\[0\\]\\.cases: no case .*\\(status: ${status}\\)`),
      ),
    ]);
  });

  it('warns of a control without a test', () => {
    expect(lint(controlText(''))).toEqual([expect.stringMatching(/^warning 8:8 tests: no test/)]);
  });
});

describe('crosswalks', () => {
  it.each([
    ['soc2', 61],
    ['iso27001', 93],
    ['nist_csf', 106],
  ])('%s has all of its %i ids', (framework, count) => {
    expect(crosswalks.get(framework)?.ids.size).toBe(count);
  });

  it.each([
    ['soc2', 'PI1.5', 'PI1.6'],
    ['iso27001', 'A.5.37', 'A.5.38'],
    ['nist_csf', 'PR.DS-11', 'PR.DS-03'],
    ['cis_aws_v3', '2.1.4', '2'],
    ['cis_aws_v5', '1.10', '1.10.'],
    ['cis_aws_v7', '2.1.2', 'A.1'],
    ['cis_github', '1.3.5', '1.'],
  ])('%s knows %s and not %s', (framework, known, unknown) => {
    expect(crosswalks.get(framework)?.has(known)).toBe(true);
    expect(crosswalks.get(framework)?.has(unknown)).toBe(false);
  });
});
