/**
 * Ids as GitHub makes them. A node id is a prefix and MessagePack in base64url: numbers, and for
 * commits and refs a name, so that it can be read back without a list of all that there is.
 */
import { createHash } from 'node:crypto';

/** What a node id says: `PR`, [0, 4711, 12]. */
export interface NodeIdParts {
  prefix: string;
  parts: (number | string)[];
}

/** `nodeId('R', 4711)` is `R_kgDOAAASZw`. Numbers are unsigned, of 48 bits at most. */
export function nodeId(prefix: string, ...parts: (number | string)[]): string {
  const bytes: Buffer[] = [Buffer.from([0x90 + parts.length + 1, 0])];
  for (const part of parts)
    bytes.push(typeof part === 'number' ? packNumber(part) : packText(part));
  return `${prefix}_${Buffer.concat(bytes).toString('base64url')}`;
}

/** What `nodeId` was given; undefined for what is no such id. */
export function readNodeId(id: string): NodeIdParts | undefined {
  const cut = id.indexOf('_');
  const prefix = id.slice(0, cut);
  const bytes = Buffer.from(id.slice(cut + 1), 'base64url');
  if (cut < 1 || bytes.length < 3 || bytes[1] !== 0) return undefined;
  const parts: (number | string)[] = [];
  for (let at = 2; at < bytes.length; ) {
    const kind = bytes[at];
    if (kind === 0xce && at + 5 <= bytes.length) {
      parts.push(bytes.readUInt32BE(at + 1));
      at += 5;
    } else if (kind === 0xcf && at + 9 <= bytes.length) {
      parts.push(Number(bytes.readBigUInt64BE(at + 1)));
      at += 9;
    } else if (kind === 0xda && at + 3 <= bytes.length) {
      const end = at + 3 + bytes.readUInt16BE(at + 1);
      parts.push(bytes.toString('utf8', at + 3, end));
      at = end;
    } else return undefined;
  }
  return nodeId(prefix, ...parts) === id ? { prefix, parts } : undefined;
}

function packNumber(value: number): Buffer {
  if (value < 2 ** 32) {
    const bytes = Buffer.from([0xce, 0, 0, 0, 0]);
    bytes.writeUInt32BE(value, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(9, 0xcf);
  bytes.writeBigUInt64BE(BigInt(value), 1);
  return bytes;
}

function packText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.from([0xda, 0, 0]);
  head.writeUInt16BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** Forty hex digits that a text always gives. */
export function oidOf(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/** A number of 30 bits that a text always gives. */
export function numberOf(text: string): number {
  return createHash('sha1').update(text).digest().readUInt32BE(0) >>> 2;
}
