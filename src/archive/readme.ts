/** The archive's README.txt: what it is, how to read it, how to check it. */
import { plainText } from '../report/plain.ts';
import { interimWords, marksOf } from '../report/words.ts';
import type { ArchiveRequest } from './archive.ts';

/** Columns of a line. */
const width = 76;

/** What of the seals travels along. */
export interface Certificates {
  /** Fingerprints of the keys that signed, or may sign. */
  keys: readonly string[];
  /** How many root certificates of timestamp authorities. */
  roots: number;
}

/**
 * In plain words, for whoever has never heard of the program. Its lines end with LF: commands are
 * copied from it into shells, and every editor of today reads it.
 */
export function readme(
  { report, control, redaction }: Pick<ArchiveRequest, 'report' | 'control' | 'redaction'>,
  certificates: Certificates,
): string {
  const blocks = [
    ...titleOf(report, control),
    ...whatThisIs(report),
    ...toKnow(report, control),
    ...(redaction === undefined ? [] : whatIsRedacted(report, redaction.named)),
    ...howToRead(report.redaction !== null),
    ...howToCheck(report, certificates, control),
    ...whatItShows(report, certificates),
  ];
  return `${blocks.join('\n\n')}\n`;
}

type Report = ArchiveRequest['report'];

function titleOf({ period: { organizations, period, as_of } }: Report, control?: string): string[] {
  const { start, end, timezone } = period;
  const when = as_of === null ? `${start} to ${end}` : `as of ${as_of}`;
  const title = `Evidence of ${control === undefined ? 'controls' : `control ${control}`}, ${when} (${timezone})`;
  return [[...organizations, title].map((line) => wrapped(line)).join('\n')];
}

function whatThisIs({ period: { through }, nights, tool }: Report): string[] {
  return [
    heading('What this is'),
    wrapped(
      `Each night a program of the organisation, Tickmark, asks the systems in scope how they are set, keeps their answers, tests them against the controls that management stated, and seals all of it. This archive holds what was sealed, up to ${through}, and what it comes to: ${nights.length} bundles that tell of the period.`,
    ),
    wrapped(
      `It is management's monitoring of its own controls. It gives no opinion and is no attestation. It was written by Tickmark ${tool.version}.`,
    ),
  ];
}

/** What a reader has to know before anything else. */
function toKnow(report: Report, control: string | undefined): string[] {
  const interim = interimWords(report);
  const facts = [
    ...report.period.problems.map((problem) => `NOTHING CAN BE CONCLUDED: ${problem}.`),
    ...(interim === null ? [] : [`${interim} It says nothing of the days after.`]),
    ...marksOf(report),
    ...(control === undefined
      ? []
      : [
          `Only control ${control} was asked for. The folder sealed/ is whole all the same: the chain of bundles can only be checked as a whole.`,
        ]),
  ];
  return facts.length === 0 ? [] : [heading('To know first'), facts.map(item).join('\n')];
}

function whatIsRedacted({ head }: Report, named: readonly number[]): string[] {
  return [
    heading('What was redacted'),
    wrapped(
      'Nobody was to be named in this archive. What tells a person apart in the records (user names, logins, mail addresses, ids) has a pseudonym, wherever it stands in the tables and reports: person- and twelve signs, worked out with a secret of the organisation. The same spelling has the same pseudonym everywhere, also in other archives that name the same key, so that rows can be joined and counted. Other data about people (times of sign-in, their tags) is left out, and so are the objects of the systems, and the times and request ids of calls. [person] stands where the manifests would tell whose it is, [time] for a time in a reason. redaction.json lists the fields.',
    ),
    wrapped(
      'The evidence as it was sealed is not in sealed/objects/, for it cannot be changed; the manifests have its SHA-256 digests. So it cannot be seen from this archive alone that the tables follow from what was sealed, and "tickmark reperform" has nothing to work with. The organisation can show that: in its store, or in an archive that is not redacted.',
    ),
    ...(head === null
      ? []
      : [
          wrapped(
            'There every original of a row can be looked at, by its run, and it is the same evidence if the store has the same head:',
          ),
          `      ${head.sequence} sha256:${head.digest}`,
        ]),
    wrapped(
      `Text that people wrote freely, as titles, was searched for the known names and for mail addresses alone; sources and scopes are called what they are called. ${
        named.length === 0
          ? 'No manifest names a person that is known.'
          : `${named.length === 1 ? 'One manifest names' : `${named.length} manifests name`} people all the same (who ran the program, the parameters of tests, whose credentials it had, scopes, what could not be read), since a changed manifest proves nothing; redaction.json says which.`
      }`,
    ),
  ];
}

function howToRead(isRedacted: boolean): string[] {
  return [
    heading('How to read it'),
    table([
      ['index.html', 'the report. Open it in a browser; it asks no network.'],
      ['workbook.xlsx', 'the same as tables: matrix, populations, deviations, gaps.'],
      ['index.csv', 'every file of the folders below, with control, criteria, test and digest.'],
      ['nights.csv', 'every bundle that tells of the period: when, by whom, how complete.'],
      ['AC-01-.../', 'one folder for each control, in it:'],
      ['  control.yaml', 'the control as it was last tested, word for word.'],
      [
        '  control/',
        'every file that judged its tests, by its first day, where there were several.',
      ],
      ['  population-*.csv', 'everything that a test was to judge. One file for each test.'],
      ['  results-*.csv', 'what came out: a row for nights in a row that came out the same.'],
      ['  deviations.csv', 'what did not pass, when it began and when it was mended.'],
      ['  waivers.csv', 'deviations that somebody approved, with who and why.'],
      ['  gaps.csv', 'times without complete evidence, and why.'],
      ['  samples/', 'draws that were sealed, and what they drew.'],
      [
        '  evidence/',
        isRedacted
          ? 'what the systems answered, in the fields that are tested, and the calls.'
          : "the systems' own answers, and the calls that gave them.",
      ],
      ['oscal/', 'the report for other programs (OSCAL assessment results).'],
      [
        'sealed/',
        isRedacted
          ? 'what was sealed, night by night, without the evidence itself.'
          : 'what was sealed, night by night. All of the above follows from it.',
      ],
      ...(isRedacted ? [['redaction.json', 'what was redacted.'] as const] : []),
      ['certificates/', 'public keys of who signed; roots of who gave timestamps.'],
      ['check.sh', 'checks all of it with tools that are already there.'],
      ['SHA256SUMS', 'the SHA-256 of every file.'],
    ]),
    wrapped(
      `The evidence of a control lies by night: evidence/20260131T020000Z-1a2b3c/ holds what the night that began on 31 January 2026 at 02:00 UTC saw for the first time, or saw changed. Each line is one record: the fields that were tested, ${isRedacted ? 'and the calls' : 'the object as the system gave it, and the calls with their request ids'}. What did not change is not repeated. To find the state of a day, take from evidence/index.csv the rows whose "from" is not after it and whose "to" is not before it; each names its file and line. What nobody looked at on that day stands in gaps.csv.`,
    ),
    wrapped(
      `Every row names its run, or its first and its last. In nights.csv stands which bundle a run is: number 31 is sealed/bundles/00000031.json. It names by SHA-256 everything that the run saw${isRedacted ? '.' : ', and the files of that name lie in sealed/objects/, compressed with gzip.'}`,
    ),
    ...(isRedacted
      ? []
      : [
          wrapped(
            'From a manifest to a line: "chunks" of a list (the records, the calls, the results) is the digest of its index, an object of JSON. Its "chunks" are the list, in order. [digest, lines, bytes] is text with this SHA-256; such texts lie one behind the other in the objects that "packs" names; two more numbers say in which of these one lies, from 0, and from which byte. A number n says: the next n of the index that "base" names; below 0: these are left out. Each line of the text is a record, a call or a result, as JSON.',
          ),
        ]),
    wrapped(
      'Times are UTC. Days are those of the time zone named above. In tables an apostrophe before = + - @ keeps a spreadsheet from running what a stranger wrote; it is no part of the text.',
    ),
  ];
}

/** Commands that make the archive again from what is sealed in it. */
function again({ period: { period, as_of } }: Report, control: string | undefined): string[] {
  const { start, end, timezone } = period;
  const days = as_of === null ? `--from ${start} --until ${end}` : `--as-of ${as_of}`;
  return [
    'cat > ../again.yaml << END',
    'organization: again',
    `timezone: ${timezone}`,
    'sources: [{ id: none, use: aws }]',
    'END',
    'tickmark export --config ../again.yaml --store sealed \\',
    `  ${days}${control === undefined ? '' : ` --control ${control}`} --out ../again`,
    'diff --recursive --brief . ../again',
  ];
}

function howToCheck(
  report: Report,
  { keys, roots }: Certificates,
  control: string | undefined,
): string[] {
  const { head, tool, redaction } = report;
  return [
    heading('How to check it'),
    wrapped('Is every file what it was when the archive was made?'),
    commands('Linux', ['sha256sum --check --quiet SHA256SUMS']),
    commands('macOS', ["shasum -a 256 -c SHA256SUMS | grep -v ': OK$'"]),
    commands('Windows, in PowerShell', [
      'Get-Content SHA256SUMS | ForEach-Object {',
      "  $sum, $file = $_ -split '  ', 2",
      '  $now = (Get-FileHash -LiteralPath $file -Algorithm SHA256).Hash',
      '  if ($now -ne $sum) { "CHANGED $file" }',
      '}',
    ]),
    wrapped(
      'Nothing is printed where nothing was changed. Files that were added are told of by check.sh, below.',
    ),
    ...(redaction === null
      ? [
          wrapped(
            'Is the evidence what was sealed: the chain of bundles, signatures, timestamps, every object? With stock tools (Linux, macOS, Git Bash on Windows), and with the program itself, which also evaluates every night again:',
          ),
          commands('', ['sh check.sh', 'tickmark verify .', 'tickmark reperform .']),
          wrapped(
            `The tables and reports around sealed/ are sealed by nobody: whoever changes one can write SHA256SUMS anew. To see that they follow from what is sealed, make them again with Tickmark ${tool.version}; where plugins gave evidence, name them under plugins: in again.yaml. Nothing may differ but README.txt, index.csv, SHA256SUMS and certificates/tsa-roots.pem:`,
          ),
          commands('', again(report, control)),
        ]
      : [
          wrapped(
            'Are the manifests what was sealed: the chain of bundles, signatures, timestamps? With stock tools (Linux, macOS, Git Bash on Windows), and with the program itself:',
          ),
          commands('', ['sh check.sh', 'tickmark verify .']),
        ]),
    wrapped(
      'Whoever can write an archive can write all of it anew. So hold it against what reached you by another way than this archive:',
    ),
    [
      ...(head === null
        ? []
        : [
            item(
              'The newest bundle, as the nightly job printed it that night (job logs, mails, tickets). It has to be:',
            ),
            `\n      ${head.sequence} sha256:${head.digest}\n`,
          ]),
      item(
        keys.length === 0
          ? 'There is no key: no bundle is signed.'
          : 'The fingerprint of the signing key, from whoever keeps it. The public keys in certificates/ are called by theirs:',
      ),
      ...(keys.length === 0 ? [] : [`\n${keys.map((key) => `      ${key}`).join('\n')}\n`]),
      item(
        roots === 0
          ? 'No root certificate of a timestamp authority travels along. Where bundles have timestamps, take the root from the authority itself.'
          : 'The root certificates of the timestamp authority, from the authority itself, against certificates/tsa-roots.pem.',
      ),
    ].join('\n'),
    wrapped('check.sh and verify compare them with all that is here:'),
    commands('', [
      `sh check.sh --head "${head === null ? 'NUMBER' : head.sequence} sha256:..." --key FINGERPRINT --tsa-ca ROOTS.pem`,
    ]),
  ];
}

function whatItShows({ redaction }: Report, { keys }: Certificates): string[] {
  return [
    heading('What this shows, and what not'),
    wrapped(
      `${redaction === null ? 'It shows that' : 'Together with the store, to which the manifests tie it, it shows that'}, at these times, these systems gave these answers to the identity named; that the lists were complete, or what was missing; and that the conditions in control.yaml give these results. It does not show what held between two nights, what nobody asked, whether the conditions are the right ones, or that the machine was honest while it collected.`,
    ),
    wrapped(
      keys.length === 0
        ? 'Without signatures it rests on the heads alone that were kept elsewhere.'
        : 'A signature is by the organisation itself: it shows that nobody without its key changed anything since.',
    ),
  ];
}

function heading(text: string): string {
  return `${text}\n${'-'.repeat(text.length)}`;
}

function commands(where: string, lines: readonly string[]): string {
  const indent = where === '' ? '    ' : '      ';
  return [...(where === '' ? [] : [`  ${where}:`, '']), ...lines.map((line) => indent + line)].join(
    '\n',
  );
}

function item(text: string): string {
  return wrapped(text, '    ').replace(/^ {4}/, '  * ');
}

function table(rows: readonly (readonly [string, string])[]): string {
  const first = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows
    .map(([name, text]) =>
      wrapped(text, ' '.repeat(first)).replace(/^ +/, `  ${name}`.padEnd(first)),
    )
    .join('\n');
}

/** Broken at spaces to lines of `width`; names come from outside and may not break out of theirs. */
function wrapped(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of plainText(text).split(/\s+/)) {
    const joined = line === indent ? line + word : `${line} ${word}`;
    if (joined.length > width && line !== indent) {
      lines.push(line);
      line = indent + word;
    } else line = joined;
  }
  return [...lines, line].join('\n');
}
