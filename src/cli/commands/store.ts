import {
  type Inventory,
  leftovers,
  type Part,
  parts,
  removeLeftovers,
  takeInventory,
} from '../../store/inventory.ts';
import type { CommandIo, ProjectOptions } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openNamedStore } from '../store.ts';
import { byteSize, plural, printable, table } from '../terminal.ts';
import { verifyPlace } from './verify.ts';

export interface StoreOptions extends ProjectOptions {
  json?: boolean;
}

export interface GcOptions extends StoreOptions {
  dryRun?: boolean;
  /** Days. */
  olderThan: number;
}

const dayMs = 86_400_000;
/** Leftovers that are printed one by one. */
const mostPrinted = 20;

/** `tickmark store stats`: what the store holds and what a night adds. */
export async function stats({ terminal }: CommandIo, options: StoreOptions): Promise<ExitCode> {
  const store = await openNamedStore(options);
  const inventory = await takeInventory(store);
  const figures = figuresOf(inventory);
  const { out, style, tableWidth } = terminal;
  if (options.json) {
    out(JSON.stringify({ store: store.backend.location, ...figures }));
    return exitCodes.complete;
  }
  out(`${style('bold', `Store ${store.backend.location}`)}: ${plural(figures.bundles, 'bundle')}`);
  const rows = parts
    .filter((part) => figures.parts[part].files > 0)
    .map((part) => [part, String(figures.parts[part].files), byteSize(figures.parts[part].bytes)]);
  const columns = [
    { title: 'PART' },
    { title: 'FILES', align: 'right' as const },
    { title: 'SIZE', align: 'right' as const },
  ];
  for (const line of table(columns, rows, tableWidth)) out(line);
  out();
  out(`In all ${plural(figures.files, 'file')}, ${byteSize(figures.bytes)}.`);
  if (figures.bundles > 0) {
    out(
      `Kept whole, the bundles would take ${byteSize(figures.whole)}; the last one added ${byteSize(figures.last_added)}.`,
    );
  }
  const { files, bytes } = figures.leftovers;
  if (files > 0) {
    out(
      `${plural(files, 'file')} (${byteSize(bytes)}) that no bundle names, left by a run that was killed or is under way: tickmark store gc --dry-run`,
    );
  }
  return exitCodes.complete;
}

/** `tickmark store gc`: removes what no manifest names, and nothing else. */
export async function gc({ terminal }: CommandIo, options: GcOptions): Promise<ExitCode> {
  const store = await openNamedStore(options);
  const inventory = await takeInventory(store);
  const olderThan = new Date(Date.now() - options.olderThan * dayMs);
  const found = leftovers(inventory, olderThan);
  const { removed, refused } = options.dryRun
    ? { removed: 0, refused: [] }
    : await removeLeftovers(store.backend, found, olderThan);
  const { out, err, style } = terminal;
  const bytes = found.reduce((sum, each) => sum + each.bytes, 0);
  if (options.json) {
    out(JSON.stringify({ store: store.backend.location, found, bytes, removed, refused }));
  } else {
    for (const { key, bytes: size } of found.slice(0, mostPrinted)) {
      out(printable(`${key}  ${byteSize(size)}`));
    }
    if (found.length > mostPrinted) out(`… and ${found.length - mostPrinted} more`);
    const what = `${plural(found.length, 'file')} (${byteSize(bytes)}) that no bundle names, older than ${plural(options.olderThan, 'day')}`;
    if (found.length === 0) {
      out(`Nothing to remove: no file older than ${plural(options.olderThan, 'day')} is unnamed.`);
    } else if (options.dryRun) out(style('bold', `Would remove ${what}.`));
    else out(style('bold', `Removed ${removed} of ${what}.`));
  }
  for (const { reason } of refused.slice(0, mostPrinted)) err(`tickmark: ${reason}`);
  return refused.length > 0 ? exitCodes.incomplete : exitCodes.complete;
}

/**
 * `tickmark store check`: is everything there and as it was written? What only somebody outside can
 * tell (heads, keys and authorities that they hold) is left to `tickmark verify`.
 */
export async function check(io: CommandIo, options: StoreOptions): Promise<ExitCode> {
  const store = await openNamedStore(options);
  return verifyPlace(io, store.backend, {
    heads: [],
    keys: [],
    roots: [],
    requireSignature: false,
    json: options.json ?? false,
  });
}

function figuresOf(inventory: Inventory) {
  const { entries, named, bundles } = inventory;
  const byPart = Object.fromEntries(parts.map((part) => [part, { files: 0, bytes: 0 }])) as Record<
    Part,
    { files: number; bytes: number }
  >;
  let bytes = 0;
  const left = { files: 0, bytes: 0 };
  for (const { key, bytes: size } of entries.values()) {
    const part = named.get(key);
    const counted = part === undefined ? left : byPart[part];
    counted.files += 1;
    counted.bytes += size;
    bytes += size;
  }
  return {
    bundles: bundles.length,
    files: entries.size,
    bytes,
    whole: bundles.reduce((sum, { whole }) => sum + whole, 0),
    last_added: bundles.at(-1)?.added ?? 0,
    parts: byPart,
    leftovers: left,
  };
}
