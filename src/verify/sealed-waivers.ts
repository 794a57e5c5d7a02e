/** The waivers of a bundle, from the file that its manifest names. */
import { readWaivers, type Waiver } from '../controls/waivers.ts';
import { dayIn } from '../evidence/days.ts';
import type { Manifest } from '../seal/manifest.ts';
import type { Store } from '../store/store.ts';
import { brokenMessage } from './sealed-controls.ts';

export interface SealedWaivers {
  waivers: readonly Waiver[];
  broken: string[];
  /** Why they cannot be applied, so that it cannot be told which fails they covered. */
  reason?: string;
}

export async function openWaivers(
  store: Store,
  { waivers: named, timezone }: Manifest,
): Promise<SealedWaivers> {
  if (named === null) return { waivers: [], broken: [] };
  const { file, digest } = named;
  let bytes: Buffer;
  try {
    bytes = await store.readBytes(digest);
  } catch (error) {
    const reason = `the waivers (${file}) cannot be read: ${brokenMessage(error)}`;
    return { waivers: [], broken: [reason], reason };
  }
  const read = readWaivers(file, bytes);
  if (!read.ok) {
    const [first] = read.faults;
    const where = `${file}:${first?.line}:${first?.column} ${first?.path}`;
    return notApplied(`cannot read ${where}: ${first?.message}`);
  }
  if (read.value.length > 0 && !isZone(timezone)) {
    return notApplied(`does not know the time zone of its waivers, ${timezone}`);
  }
  return { waivers: read.value, broken: [] };
}

function notApplied(what: string): SealedWaivers {
  const reason = `this version of Tickmark ${what}; reperform with the version that sealed it`;
  return { waivers: [], broken: [], reason };
}

function isZone(timezone: string): boolean {
  try {
    dayIn(new Date(0), timezone);
    return true;
  } catch {
    return false;
  }
}
