/** A zip as a store: what lies in it, and what of hostile ones is refused. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { openArchive } from '../../src/store/archive.ts';
import { archiveOf, zipOf } from '../support/archives.ts';
import { sealedNights } from '../support/sealed-nights.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';
import { findingsOf } from '../verify/findings.ts';

afterAll(removeTemporary);

async function opened(zip: Buffer, name = 'archive.zip') {
  const file = join(await temporaryFolder(), name);
  await writeFile(file, zip);
  const archive = await openArchive(file);
  if (archive === undefined) throw new Error('that is no archive');
  return { ...archive, file };
}

/** Everything in it is read, as a verification does. */
async function readAll(zip: Buffer): Promise<void> {
  const { files } = await opened(zip);
  for await (const path of files.paths()) for await (const _ of files.pieces(path));
}

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

describe('an archive in a zip', () => {
  const small = new Map([
    ['SHA256SUMS', Buffer.from('')],
    ['sealed/bundles/00000002.json', Buffer.from('two')],
    ['sealed/bundles/00000001.json', Buffer.from('one')],
    ['sealed/bundles/deep/x', Buffer.from('x')],
    ['sealed/objects/ab/cd.gz', Buffer.from('object')],
    ['sealed-not/y', Buffer.from('y')],
    ['empty.csv', Buffer.alloc(0)],
    ['large.csv', Buffer.alloc(3 * 1024 * 1024, 'a line\n')],
  ]);

  it('is the store that is sealed in it, and the files around', async () => {
    const { sealed, files, file } = await opened(await zipOf(small));
    expect(sealed.location).toBe(`${file}/sealed`);
    expect(await sealed.list('bundles')).toEqual([
      'bundles/00000001.json',
      'bundles/00000002.json',
    ]);
    expect(text(await sealed.read('bundles/00000002.json'))).toBe('two');
    expect(await sealed.read('bundles/00000003.json')).toBeUndefined();
    const entries = [];
    for await (const { key, bytes } of sealed.entries('objects')) entries.push({ key, bytes });
    expect(entries).toEqual([{ key: 'objects/ab/cd.gz', bytes: 6 }]);
    const paths = [];
    for await (const path of files.paths()) paths.push(path);
    expect(paths.sort()).toEqual([...small.keys()].sort());
    for (const [path, bytes] of small) {
      const pieces = [];
      for await (const piece of files.pieces(path)) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(bytes), path).toBe(true);
    }
  });

  it('is not written to', async () => {
    const { sealed } = await opened(await zipOf(small));
    for (const work of [
      sealed.create('bundles/3', Buffer.from('')),
      sealed.renew('bundles/3', Buffer.from('')),
      sealed.remove('bundles/00000001.json'),
    ]) {
      await expect(work).rejects.toMatchObject({ code: 'StoreUnavailable' });
    }
  });

  it('is verified as the folder is, whatever it is called', async () => {
    const { keys, bundles } = await sealedNights({ bundles: 4 });
    const { sealed, files } = await opened(await zipOf(await archiveOf(keys)), 'evidence');
    const { breaks, verified } = await findingsOf(sealed, { files });
    expect(breaks).toEqual([]);
    expect(verified).toMatchObject({ bundles: bundles.length, files: keys.size + 2 });
  });

  it('may be any zip, and then is no archive', async () => {
    await expect(opened(await zipOf(new Map([['a', Buffer.from('b')]])))).rejects.toMatchObject({
      code: 'NotFound',
    });
  });
});

/** An entry as it stands before its data and in the directory. */
interface Made {
  name: string;
  /** As it stands before the data, where that is another. */
  localName?: string;
  data?: Buffer;
  method?: number;
  flags?: number;
  size?: number;
  crc?: number;
  attributes?: number;
  /** Where the directory says that it lies. */
  offset?: number;
  extra?: Buffer;
  /** The same before the data. */
  localExtra?: Buffer;
}

/** A zip made by hand (APPNOTE 4.3), with whatever lies it is given. */
function handmade(entries: Made[], { comment = '' } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const each of entries) {
    const { name, localName = name, data = Buffer.from('x'), method = 0, flags = 0x0800 } = each;
    const { size = data.length, crc = 0x8cdc1683, attributes = 0x81a40000, extra } = each;
    const fields = (version: number[], called: Buffer, more: number) => {
      const header = Buffer.alloc(26);
      header.writeUInt16LE(20, 0);
      header.writeUInt16LE(flags, 2);
      header.writeUInt16LE(method, 4);
      header.writeUInt32LE(crc, 10);
      header.writeUInt32LE(data.length, 14);
      header.writeUInt32LE(size, 18);
      header.writeUInt16LE(called.length, 22);
      header.writeUInt16LE(more, 24);
      return Buffer.concat([Buffer.from(version), header]);
    };
    const local = Buffer.from(localName);
    const { localExtra = Buffer.alloc(0) } = each;
    parts.push(fields([0x50, 0x4b, 3, 4], local, localExtra.length), local, localExtra, data);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(attributes, 6);
    rest.writeUInt32LE(each.offset ?? at, 10);
    const bytes = Buffer.from(name);
    directory.push(
      fields([0x50, 0x4b, 1, 2, 20, 3], bytes, extra?.length ?? 0),
      rest,
      bytes,
      extra ?? Buffer.alloc(0),
    );
    at += 30 + local.length + localExtra.length + data.length;
  }
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...parts, ...directory, end, Buffer.from(comment)]);
}

const sums: Made = { name: 'SHA256SUMS' };
const zeros = Buffer.alloc(1024 * 1024);

describe('a zip that is made to deceive', () => {
  it('is read where it does not', async () => {
    await readAll(
      handmade([
        sums,
        { name: 'AC-01 é/x.csv' },
        { name: 'folder/', data: Buffer.alloc(0), attributes: 0x41ed0000 },
      ]),
    );
  });

  it.each<[string, () => Buffer]>([
    ['no zip', () => Buffer.from('SHA256SUMS')],
    ['an empty file', () => Buffer.alloc(0)],
    ['a zip that is cut', () => handmade([sums]).subarray(0, -30)],
    ['two entries of one name', () => handmade([sums, { name: 'a' }, { name: 'a' }])],
    ['names that differ in case only', () => handmade([sums, { name: 'a' }, { name: 'A' }])],
    [
      'names that differ in form only',
      () => handmade([sums, { name: '\u00e9' }, { name: 'e\u0301' }]),
    ],
    ['a file that is a folder too', () => handmade([sums, { name: 'a' }, { name: 'a/b' }])],
    ['a path upwards', () => handmade([sums, { name: '../a' }])],
    ['a path upwards within', () => handmade([sums, { name: 'a/../../b' }])],
    ['a path of dots', () => handmade([sums, { name: './a' }])],
    ['an absolute path', () => handmade([sums, { name: '/etc/passwd' }])],
    ['a drive', () => handmade([sums, { name: 'C:/a' }])],
    ['backslashes', () => handmade([sums, { name: 'a\\b' }])],
    ['an empty name', () => handmade([sums, { name: '' }])],
    ['an empty part', () => handmade([sums, { name: 'a//b' }])],
    ['a control character', () => handmade([sums, { name: 'a\u001b[2Jb' }])],
    ['a NUL', () => handmade([sums, { name: 'a\u0000b' }])],
    ['a name in another encoding', () => handmade([sums, { name: 'é', flags: 0 }])],
    ['an encrypted entry', () => handmade([sums, { name: 'a', flags: 0x0801 }])],
    ['strong encryption', () => handmade([sums, { name: 'a', flags: 0x0841 }])],
    ['a link', () => handmade([sums, { name: 'a', attributes: 0xa1ff0000 }])],
    ['a pipe', () => handmade([sums, { name: 'a', attributes: 0x11a40000 }])],
    ['a folder with content', () => handmade([sums, { name: 'a/', attributes: 0 }])],
    ['another way of folding', () => handmade([sums, { name: 'a', method: 12 }])],
    ['entries that overlap', () => handmade([sums, { name: 'a' }, { name: 'a2', offset: 5 }])],
    [
      'two entries over one content',
      () => handmade([sums, { name: 'b', offset: 0, localName: 'b' }]),
    ],
    ['an entry that lies in the directory', () => handmade([sums, { name: 'a', offset: 80 }])],
    ['an entry behind the end', () => handmade([sums, { name: 'a', offset: 1_000_000 }])],
    ['another name before the data', () => handmade([sums, { name: 'a', localName: 'b' }])],
    [
      'a second name before the data',
      () =>
        handmade([
          sums,
          // Info-ZIP Unicode Path: version 1, the CRC-32 of the name, another name.
          { name: 'a', localExtra: Buffer.from('757006000143beb7e862', 'hex') },
        ]),
    ],
    ['a stored size that lies', () => handmade([sums, { name: 'a', size: 2 }])],
    ['a checksum that lies', () => handmade([sums, { name: 'a', crc: 1 }])],
    [
      'a size that is too small',
      () =>
        handmade([sums, { name: 'a', data: deflateRawSync(zeros), method: 8, size: 1000, crc: 0 }]),
    ],
    [
      'a size that is too large',
      () =>
        handmade([
          sums,
          { name: 'a', data: deflateRawSync(zeros), method: 8, size: zeros.length + 1 },
        ]),
    ],
    [
      'a size that no folding reaches',
      () =>
        handmade([sums, { name: 'a', data: deflateRawSync(zeros), method: 8, size: 0x7fffffff }]),
    ],
    [
      'a large file that unfolds to more than it says',
      () => {
        const data = deflateRawSync(Buffer.alloc(8 * 1024 * 1024));
        return handmade([sums, { name: 'a', data, method: 8, size: 2 * 1024 * 1024 }]);
      },
    ],
    [
      'data that are no DEFLATE',
      () => handmade([sums, { name: 'a', data: Buffer.alloc(900, 7), method: 8, size: 900 }]),
    ],
  ])('is refused: %s', async (_what, make) => {
    const { message, code } = await readAll(make()).then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(code).toBe('IntegrityBroken');
    expect(message).toMatch(/archive\.zip.*get the archive again/);
  });

  it('is refused where a file of a store is larger than any', async () => {
    const data = deflateRawSync(Buffer.alloc(65 * 1024 * 1024));
    const entry: Made = {
      name: 'sealed/bundles/00000001.json',
      data,
      method: 8,
      size: 65 * 1024 * 1024,
    };
    const { sealed } = await opened(handmade([sums, entry]));
    await expect(sealed.read('bundles/00000001.json')).rejects.toMatchObject({
      code: 'IntegrityBroken',
    });
  });

  it('names no entry so that a terminal obeys it', async () => {
    const error = await opened(handmade([sums, { name: '../a\u001b[2J' }])).catch((each) => each);
    expect(error.message).not.toContain('\u001b');
  });
});
