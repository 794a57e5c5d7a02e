/**
 * For `node --import`, in a process of its own: counts every call of `node:fs/promises` that
 * changes something below a folder, and lets the chosen one fail, or be the process's last. What it
 * counted it writes to a file, before each call is made.
 */
import { appendFileSync, writeSync } from 'node:fs';
import files, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';

/** The variable that holds a `FileFault` as JSON. */
export type FileFaultVariable = 'TICKMARK_TEST_FILE_FAULT';

export interface FileFault {
  /** Calls below this folder count. */
  below: string;
  /** The chosen call, from 1; 0 chooses none. */
  at: number;
  /**
   * `killed`: SIGKILL before the call. `killed half-way`: behind the first half of the bytes, where
   * it is one that writes bytes. Otherwise this error, by this call and every later one: a full disk
   * keeps the first half of the bytes and lets files be taken away, a read-only one does neither.
   */
  how: 'killed' | 'killed half-way' | 'ENOSPC' | 'EROFS';
  /** Gets a line for each call: its name and the path. */
  journal: string;
}

const variable: FileFaultVariable = 'TICKMARK_TEST_FILE_FAULT';
const fault = JSON.parse(process.env[variable] ?? '') as FileFault;
let counted = 0;
appendFileSync(fault.journal, '');

/** Nothing runs in this process any more. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal may need a moment; until then no other callback may run.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error('SIGKILL did not end the process');
}

/** Counts a call. @param half what is done where only a half of it can be. */
async function step(call: string, path: string, half = () => {}): Promise<void> {
  const below = relative(fault.below, path);
  if (below.startsWith('..')) return;
  counted += 1;
  appendFileSync(fault.journal, `${call} ${below}\n`);
  const { at, how } = fault;
  const isKill = how === 'killed' || how === 'killed half-way';
  if (at === 0 || (isKill ? counted !== at : counted < at)) return;
  if (how === 'killed half-way' || how === 'ENOSPC') half();
  if (isKill) die();
  if (how === 'ENOSPC' && call === 'unlink') return;
  throw Object.assign(new Error(`${how}: injected, ${call} '${path}'`), { code: how });
}

const { open, mkdir, link, unlink, lutimes } = files;
const paths = new WeakMap<FileHandle, string>();

files.open = async (path, flags, mode) => {
  if (flags === 'wx') await step('open', String(path));
  const handle = await open(path, flags, mode);
  paths.set(handle, String(path));
  return handle;
};
files.mkdir = (async (path: string, options: { recursive: true }) => {
  await step('mkdir', path);
  return mkdir(path, options);
}) as typeof mkdir;
files.link = async (from, to) => {
  await step('link', String(to));
  return link(from, to);
};
files.unlink = async (path) => {
  await step('unlink', String(path));
  return unlink(path);
};
files.lutimes = async (path, accessed, modified) => {
  await step('lutimes', String(path));
  return lutimes(path, accessed, modified);
};
syncBuiltinESMExports();

const someHandle = await open(process.execPath, 'r');
const handles = Object.getPrototypeOf(someHandle) as FileHandle;
await someHandle.close();
const { writeFile, sync } = handles;
handles.writeFile = async function (this: FileHandle, data) {
  const bytes = data as Uint8Array;
  await step('write', paths.get(this) ?? '/', () => {
    writeSync(this.fd, bytes.subarray(0, bytes.length >> 1));
  });
  return writeFile.call(this, data);
};
handles.sync = async function (this: FileHandle) {
  await step('sync', paths.get(this) ?? '/');
  return sync.call(this);
};
