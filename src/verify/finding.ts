/** What a verification finds: breaks, which mean that evidence is not what was sealed, and notes. */

/** Stable names: other programs may rely on them (docs/commands.md). */
export const findingCodes = [
  // The chain of manifests.
  'NothingToVerify',
  'MissingBundle',
  'DamagedManifest',
  'WrongPlace',
  'ChainBroken',
  'HeadMismatch',
  'HeadNotGiven',
  'DuplicateRun',
  // Signatures.
  'Unsigned',
  'SignatureMissing',
  'BadSignature',
  'WrongSigners',
  'KeyNotIntroduced',
  'KeyBegunAnew',
  'KeyNotTrusted',
  'KeyNotHeld',
  'KeyIntroduced',
  'KeyRetired',
  // Timestamps.
  'NoTimestamp',
  'Unstamped',
  'LateStamp',
  'ClockAhead',
  'BadToken',
  'TokenMissing',
  'TokenChanged',
  'WrongTokenList',
  'AuthorityNotHeld',
  // What manifests name.
  'ObjectMissing',
  'ObjectDamaged',
  'ListBroken',
  'WrongControl',
  'WrongAnswers',
  'WrongWaivers',
  'CountsDisagree',
  'StatusesDisagree',
  'WrongSample',
  'ForeignResult',
  'WrongEvidence',
  'FalseCoverage',
  'Uncovered',
  // The files of an archive.
  'SumsDamaged',
  'FileChanged',
  'FileMissing',
  'FileUnlisted',
  'ReportsNotSealed',
  'Redacted',
  'NotRedacted',
  // What an auditor should know.
  'SimulatedClock',
  'Replayed',
  'ClockWentBack',
  'ControlChanged',
  'ToolChanged',
  'Leftover',
  'UnknownFile',
] as const;

export type FindingCode = (typeof findingCodes)[number];

export interface Finding {
  /** A `break`: something is not as it was sealed. A `note` is disclosed and breaks nothing. */
  severity: 'break' | 'note';
  code: FindingCode;
  /** What is wrong, where, and what to do about it. Quotes what a store says: not yet printable. */
  message: string;
  /** The key in the store that it is about: `bundles/00000007.json`. */
  where: string;
  /** Sequences of the bundles affected, ascending. */
  bundles: number[];
}

export function breakOf(
  code: FindingCode,
  where: string,
  bundles: number[],
  message: string,
): Finding {
  return { severity: 'break', code, message, where, bundles };
}

export function noteOf(
  code: FindingCode,
  where: string,
  bundles: number[],
  message: string,
): Finding {
  return { severity: 'note', code, message, where, bundles };
}

/** Ascending numbers as a person reads them: `3–7, 12`. */
function ranges(numbers: readonly number[]): string {
  const parts: { first: number; last: number }[] = [];
  for (const number of numbers) {
    const part = parts.at(-1);
    if (part !== undefined && number === part.last + 1) part.last = number;
    else parts.push({ first: number, last: number });
  }
  return parts
    .map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`))
    .join(', ');
}

/** `bundle 7`, `bundles 3–7, 12`. */
export function bundlesNamed(numbers: readonly number[]): string {
  return `${numbers.length === 1 ? 'bundle' : 'bundles'} ${ranges(numbers)}`;
}
