/** What a verification finds, all of it or until the first that is asked for. */
import type { Backend } from '../../src/store/backend.ts';
import type { Finding, FindingCode } from '../../src/verify/finding.ts';
import { type Verified, type VerifyOptions, verify } from '../../src/verify/verify.ts';

export const nothingHeld: VerifyOptions = {
  heads: [],
  keys: [],
  roots: [],
  requireSignature: false,
};

export async function findingsOf(
  backend: Backend,
  options: Partial<VerifyOptions> = {},
): Promise<{ breaks: Finding[]; notes: Finding[]; verified: Verified }> {
  const breaks: Finding[] = [];
  const notes: Finding[] = [];
  const verification = verify(backend, { ...nothingHeld, ...options });
  let step = await verification.next();
  for (; !step.done; step = await verification.next()) {
    (step.value.severity === 'break' ? breaks : notes).push(step.value);
  }
  return { breaks, notes, verified: step.value };
}

/** Findings in their order, up to the first that is none of these. */
export async function findingsWhile(
  backend: Backend,
  options: Partial<VerifyOptions>,
  codes: readonly FindingCode[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of verify(backend, { ...nothingHeld, ...options })) {
    if (!codes.includes(finding.code)) break;
    findings.push(finding);
  }
  return findings;
}

export async function firstBreak(
  backend: Backend,
  options: Partial<VerifyOptions> = {},
): Promise<Finding | undefined> {
  for await (const finding of verify(backend, { ...nothingHeld, ...options })) {
    if (finding.severity === 'break') return finding;
  }
  return undefined;
}
