/**
 * What is accepted here was made by OpenSSL, and is accepted by it; what is refused was made by it
 * too, where it can be brought to, or from what it made.
 */
import { createHash, sign, X509Certificate } from 'node:crypto';
import { type Constructed, fromBER, OctetString } from 'asn1js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checkToken,
  type Stamp,
  TimestampError,
  timestampRequest,
  tokenOf,
} from '../../src/seal/timestamp.ts';
import {
  type Authority,
  type AuthorityKey,
  type AuthorityMode,
  type AuthorityOptions,
  opensslAvailable,
  opensslMissing,
  startAuthority,
} from '../support/authority.ts';

const digest = createHash('sha256').update('the manifest of a bundle').digest();
const nonce = Buffer.from('8102030405060708', 'hex');
const request = timestampRequest(digest, nonce);

const closing: Authority[] = [];
afterAll(() => Promise.all(closing.splice(0).map((authority) => authority.close())));
async function start(options?: AuthorityOptions): Promise<Authority> {
  const authority = await startAuthority(options);
  closing.push(authority);
  return authority;
}

/** A token for `digest`, as OpenSSL makes it. */
async function tokenFrom(authority: Authority): Promise<Buffer> {
  const reply = await authority.reply(request);
  return (await tokenOf(reply, { digest, nonce })).token;
}

/** A DER element. */
function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const digits = content.length.toString(16);
  const length = digits.padStart(digits.length + (digits.length % 2), '0');
  const long = content.length < 128 ? '' : `8${length.length / 2}`;
  return Buffer.concat([Buffer.from([tag]), Buffer.from(long + length, 'hex'), content]);
}
const hex = (digits: string) => Buffer.from(digits, 'hex');
const text = (tag: number, value: string) => der(tag, Buffer.from(value));
const number = (value: number) => der(0x02, Buffer.from([value]));
const sequence = (...elements: Uint8Array[]) => der(0x30, ...elements);
const sha256 = sequence(Buffer.from('0609608648016503040201', 'hex'), Buffer.from('0500', 'hex'));
const sha384 = sequence(Buffer.from('0609608648016503040202', 'hex'));

/** A TSTInfo that says what is wanted, and is good otherwise. */
function timestampInfo({
  version = number(1),
  imprint = sequence(sha256, der(0x04, digest)),
  serial = number(5),
  time = text(0x18, '20260102030405Z'),
  rest = [] as Uint8Array[],
} = {}): Buffer {
  const policy = Buffer.from('06092b0601040181fd5901', 'hex');
  return sequence(version, policy, imprint, serial, time, ...rest);
}

/** The error's code; a test that expects one fails when there is none. */
async function codeOf(stamping: Promise<unknown>): Promise<string> {
  const error = await stamping.then(
    () => 'accepted',
    (thrown: unknown) => thrown,
  );
  return error instanceof TimestampError ? error.code : String(error);
}

describe('timestampRequest', () => {
  const golden = (digits: string) =>
    `3031300d060960864801650304020105000420${digest.toString('hex')}02${digits}0101ff`;

  it.each([
    ['a number', '0102030405060708', '080102030405060708'],
    ['one that would be negative', '8102030405060708', '09008102030405060708'],
    ['one with zeros before it', '0000000405060708', '050405060708'],
    ['zero', '0000000000000000', '0100'],
  ])('is these bytes for a nonce that is %s', (_name, bytes, encoded) => {
    const tail = golden(encoded);
    const length = (tail.length / 2 + 3).toString(16);
    expect(timestampRequest(digest, Buffer.from(bytes, 'hex')).toString('hex')).toBe(
      `30${length}020101${tail}`,
    );
  });

  it.skipIf(!opensslAvailable)(`is read by OpenSSL${opensslMissing}`, async () => {
    const authority = await start();
    await authority.write('ours.tsq', request);
    const printed = await authority.openssl('ts -query -in ours.tsq -text');
    expect(printed).toContain('Version: 1\n');
    expect(printed).toContain('Hash Algorithm: sha256\n');
    expect(printed).toContain(`Nonce: 0x${nonce.toString('hex').toUpperCase()}\n`);
    expect(printed).toContain('Certificate required: yes\n');
    expect(printed.replaceAll(/[^0-9a-f]/g, '')).toContain(digest.toString('hex').slice(0, 16));
  });
});

describe('a reply without a token', () => {
  const reply = (status: Uint8Array, ...rest: Uint8Array[]) =>
    tokenOf(sequence(status, ...rest), { digest, nonce });

  it.each([2, 3, 4, 5])('of status %i is a rejection', async (status) => {
    expect(await codeOf(reply(sequence(number(status))))).toBe('Rejected');
  });

  it('says why, on one line', async () => {
    const texts = sequence(text(0x0c, 'not\u001b[31m today\n'), text(0x0c, 'nor tomorrow'));
    // timeNotAvailable and systemFailure: bits 14 and 25.
    const failure = Buffer.from('03050600020040', 'hex');
    await expect(reply(sequence(number(2), texts, failure))).rejects.toThrow(
      '(rejection, not [31m today nor tomorrow, timeNotAvailable, systemFailure)',
    );
  });

  it.each([
    ['that was granted', sequence(sequence(number(0)))],
    ['with bytes after it', Buffer.concat([sequence(sequence(number(2))), Buffer.alloc(1)])],
    ['with something else in it', sequence(sequence(number(2)), sequence(), number(1))],
    ['whose status is no number', sequence(sequence(text(0x0c, 'no')))],
    ['that is empty', Buffer.alloc(0)],
  ])('%s is malformed', async (_name, bytes) => {
    expect(await codeOf(tokenOf(bytes, { digest, nonce }))).toBe('Malformed');
  });
});

describe('bytes that are no token', () => {
  const malformed = async (bytes: Uint8Array) => {
    const started = performance.now();
    expect(await codeOf(checkToken(bytes, digest))).toBe('Malformed');
    expect(performance.now() - started).toBeLessThan(2_000);
  };
  const most = 1024 * 1024;

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from([0x30])],
    ['too much', Buffer.alloc(most + 1, 0x30)],
    ['a length beyond all', Buffer.from('3084ffffffff', 'hex')],
    ['a length of lengths', Buffer.from(`30ff${'ff'.repeat(127)}`, 'hex')],
    ['an indefinite length', Buffer.from('30800000', 'hex')],
    ['half a million elements', der(0x30, Buffer.alloc(most - 8, Buffer.from('0500', 'hex')))],
    ['a million zeros', der(0x30, Buffer.alloc(most - 8))],
    ['one huge object identifier', der(0x30, der(0x06, Buffer.alloc(most - 16, 0x7f)))],
    ['one huge number', der(0x30, der(0x02, Buffer.alloc(most - 16, 0x7f)))],
    ['a tag without an end', Buffer.alloc(most, 0xff)],
  ])('are refused at once: %s', async (_name, bytes) => {
    await malformed(bytes);
  });

  it.each([0x30, 0x31, 0xa0, 0x24])('are refused at once: nested in %i', async (tag) => {
    let bytes: Uint8Array = Buffer.alloc(0);
    while (bytes.length < 10_000) bytes = der(tag, bytes);
    await malformed(bytes);
  });

  it('are refused whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await codeOf(checkToken(bytes, digest))).toBe('Malformed');
        expect(await codeOf(tokenOf(bytes, { digest, nonce }))).toBe('Malformed');
      }),
      { numRuns: 2_000 },
    );
  });
});

describe.skipIf(!opensslAvailable)(`a token${opensslMissing}`, () => {
  let authority: Authority;
  let token: Buffer;
  let stamp: Stamp;
  let roots: string[];
  beforeAll(async () => {
    authority = await start({ intermediate: {} });
    token = await tokenFrom(authority);
    roots = [authority.caPem];
    stamp = await checkToken(token, digest, roots);
  });

  /** Whether OpenSSL accepts it for the digest, at a time in seconds since 1970. */
  async function opensslAccepts(by: Authority, bytes: Uint8Array, at?: number): Promise<boolean> {
    await by.write('checked.der', bytes);
    const time = at === undefined ? '' : ` -attime ${at}`;
    return by
      .openssl(
        `ts -verify -digest ${digest.toString('hex')} -in checked.der -token_in -CAfile root.pem${time}`,
      )
      .then(
        (printed) => printed.includes('Verification: OK'),
        () => false,
      );
  }

  it.each<[string, AuthorityOptions]>([
    ['ECDSA on P-256', {}],
    ['ECDSA on P-384 with SHA-384', { key: 'P-384', settings: { signer_digest: 'sha384' } }],
    ['ECDSA on P-521 with SHA-512', { key: 'P-521', settings: { signer_digest: 'sha512' } }],
    ['RSA', { key: 'rsa:2048' }],
    ['RSA with SHA-512, by a CA below the root', { key: 'rsa:2048', intermediate: {} }],
    ['a certificate listed by SHA-1', { settings: { ess_cert_id_alg: 'sha1' } }],
    [
      'its whole chain listed',
      { intermediate: {}, settings: { ess_cert_id_chain: 'yes', ess_cert_id_alg: 'sha512' } },
    ],
    ['no name of its own', { settings: { tsa_name: 'no', ordering: 'no' } }],
    ['key usage nonRepudiation', { extensions: { keyUsage: 'critical,nonRepudiation' } }],
    ['no key usage', { extensions: { keyUsage: '' } }],
  ])('with %s is good here and for OpenSSL', async (_name, options) => {
    const by = await start(options);
    const reply = await by.reply(request);
    const answer = await tokenOf(reply, { digest, nonce, roots: [by.caPem] });
    expect(await opensslAccepts(by, answer.token)).toBe(true);

    await by.write('shown.der', answer.token);
    const shown = await by.openssl('ts -reply -in shown.der -token_in -token_out -text');
    const [, time = ''] = /Time stamp: (.*)\n/.exec(shown) ?? [];
    const [, serial = ''] = /Serial number: 0x(.*)\n/.exec(shown) ?? [];
    expect(answer.stamp).toEqual({
      time: new Date(time),
      authority: 'CN=Example Timestamp Authority,O=Example\\, Ltd,C=DE',
      serial: serial.toLowerCase(),
      trusted: true,
    });
    expect(await checkToken(answer.token, digest, [by.caPem])).toEqual(answer.stamp);
    expect(await checkToken(answer.token, digest)).toEqual({ ...answer.stamp, trusted: false });
  });

  it('may be signed with RSA-PSS', async () => {
    const by = await start({ key: 'rsa:2048' });
    for (const hash of ['sha256', 'sha384']) {
      const flags = ['-cades', '-keyopt', 'rsa_padding_mode:pss', '-md', hash];
      const signed = await by.sign(timestampInfo(), { flags });
      // `openssl ts` does not know it yet; `openssl cms` does.
      await by.write('pss.der', signed);
      await by.openssl(
        'cms -verify -inform DER -in pss.der -CAfile root.pem -purpose timestampsign -out pss.out',
      );
      expect((await checkToken(signed, digest, [by.caPem])).trusted).toBe(true);
    }
  });

  it.each<[AuthorityMode, string]>([
    ['garbage', 'Malformed'],
    ['reject', 'Rejected'],
    ['other digest', 'WrongDigest'],
    ['other nonce', 'WrongNonce'],
    ['unfit', 'BadCertificate'],
    ['expired', 'BadCertificate'],
  ])('from an authority in mode %s is refused: %s', async (mode, code) => {
    const by = await start();
    by.mode = mode;
    const reply = await by.reply(request);
    expect(await codeOf(tokenOf(reply, { digest, nonce, roots: [by.caPem] }))).toBe(code);
    expect(await codeOf(tokenOf(reply, { digest, nonce }))).toBe(code);
  });

  it('without the nonce that was asked for is refused', async () => {
    const reply = sequence(sequence(number(0)), await authority.sign(timestampInfo()));
    expect(await codeOf(tokenOf(reply, { digest, nonce }))).toBe('WrongNonce');
  });

  it('is refused for another digest', async () => {
    for (const other of [createHash('sha256').update('x').digest(), digest.subarray(1)]) {
      expect(await codeOf(checkToken(token, other, roots))).toBe('WrongDigest');
    }
  });

  describe('and its time', () => {
    const stamped = async (time: string) =>
      (await checkToken(await authority.sign(timestampInfo({ time: text(0x18, time) })), digest))
        .time;

    it.each([
      ['20260102030405Z', '2026-01-02T03:04:05.000Z'],
      ['20260102030405.5Z', '2026-01-02T03:04:05.500Z'],
      ['20260102030405.069Z', '2026-01-02T03:04:05.069Z'],
      ['20260102030405.0019Z', '2026-01-02T03:04:05.001Z'],
      ['20260102030405.999999999Z', '2026-01-02T03:04:05.999Z'],
      ['20240229235959Z', '2024-02-29T23:59:59.000Z'],
    ])('%s is read as %s', async (written, time) => {
      expect((await stamped(written)).toISOString()).toBe(time);
    });

    it('is read to the millisecond', async () => {
      const times = fc.date({
        min: new Date('2001-01-01T00:00:00Z'),
        max: new Date('2099-01-01T00:00:00Z'),
        noInvalidDate: true,
      });
      await fc.assert(
        fc.asyncProperty(times, async (time) => {
          const written = time
            .toISOString()
            .replaceAll(/[-:T]/g, '')
            .replace(/\.?0*Z/, 'Z');
          expect(await stamped(written.padStart(15, '0'))).toEqual(time);
        }),
        { numRuns: 20 },
      );
    });

    it.each([
      '20261302030405Z',
      '20260230030405Z',
      '20260102240000Z',
      '20260102030460Z',
      '202601020304Z',
      '20260102030405',
      '20260102030405+0100',
      '20260102030405.Z',
      '20260102030405,5Z',
      '260102030405Z',
    ])('%s is none', async (written) => {
      expect(await codeOf(stamped(written))).toBe('Malformed');
    });

    it('counts for its certificate, which may have expired since', async () => {
      const by = await start();
      const at = async (time: string) =>
        by.sign(timestampInfo({ time: text(0x18, time) }), { by: 'expired' });
      const january = await at('20200115000000Z');
      expect((await checkToken(january, digest, [by.caPem])).trusted).toBe(true);
      expect(await opensslAccepts(by, january, Date.UTC(2020, 0, 15) / 1_000)).toBe(true);
      expect(await opensslAccepts(by, january)).toBe(false);
      for (const time of ['20191231235959Z', '20200201000001Z']) {
        expect(await codeOf(checkToken(await at(time), digest, [by.caPem]))).toBe('BadCertificate');
      }
    });
  });

  describe('with another content', () => {
    it.each<[string, Parameters<typeof timestampInfo>[0], string]>([
      ['of version 2', { version: number(2) }, 'Malformed'],
      ['of a longer hash', { imprint: sequence(sha384, der(0x04, digest)) }, 'WrongDigest'],
      [
        'of a shorter digest',
        { imprint: sequence(sha256, der(0x04, digest.subarray(1))) },
        'WrongDigest',
      ],
      ['of a time in UTCTime', { time: text(0x17, '260102030405Z') }, 'Malformed'],
      [
        'of fields in another order',
        { rest: [number(1), der(0x01, Buffer.from([0xff]))] },
        'Malformed',
      ],
      [
        'of a serial number that is too long',
        { serial: der(0x02, Buffer.alloc(33, 1)) },
        'Malformed',
      ],
      ['of an unknown field', { rest: [der(0xa2, number(1))] }, 'Malformed'],
    ])('%s is refused', async (_name, change, code) => {
      expect(await codeOf(checkToken(await authority.sign(timestampInfo(change)), digest))).toBe(
        code,
      );
    });

    const attribute = (oid: string, type: number, value: string) =>
      der(0x31, sequence(Buffer.from(oid, 'hex'), text(type, value)));
    const named = (organisation: Buffer, name: string) =>
      der(
        0xa0,
        der(
          0xa4,
          sequence(
            attribute('0603550406', 0x13, 'DE'),
            organisation,
            attribute('0603550403', 0x13, name),
          ),
        ),
      );
    const organisation = attribute('060355040a', 0x0c, 'Example, Ltd');

    it('names itself as its certificate does, in whatever type of string', async () => {
      const rest = [named(organisation, 'Example  TIMESTAMP Authority')];
      const signed = await authority.sign(timestampInfo({ rest }));
      expect(await opensslAccepts(authority, signed)).toBe(true);
      expect((await checkToken(signed, digest, roots)).trusted).toBe(true);
    });

    it('names itself by another name of its certificate', async () => {
      const by = await start({ extensions: { subjectAltName: 'DNS:tsa.example.com' } });
      const dns = (name: string) => timestampInfo({ rest: [der(0xa0, text(0x82, name))] });
      const signed = await by.sign(dns('tsa.example.com'));
      expect(await opensslAccepts(by, signed)).toBe(true);
      expect((await checkToken(signed, digest, [by.caPem])).trusted).toBe(true);
      const other = await by.sign(dns('tsa.example.org'));
      expect(await opensslAccepts(by, other)).toBe(false);
      expect(await codeOf(checkToken(other, digest))).toBe('BadCertificate');
    });

    it('does not name somebody else', async () => {
      const rest = [named(organisation, 'Another Timestamp Authority')];
      const signed = await authority.sign(timestampInfo({ rest }));
      expect(await opensslAccepts(authority, signed)).toBe(false);
      expect(await codeOf(checkToken(signed, digest))).toBe('BadCertificate');
    });
  });

  describe('signed in another way', () => {
    it.each([
      ['without saying of which certificate', [], 'BadSignature'],
      ['with SHA-1', ['-cades', '-md', 'sha1'], 'BadSignature'],
      ['with SHA-224', ['-cades', '-md', 'sha224'], 'BadSignature'],
      ['without any attribute', ['-noattr'], 'Malformed'],
      ['without its certificate', ['-cades', '-nocerts'], 'BadCertificate'],
      ['naming its key', ['-cades', '-keyid'], 'Malformed'],
      ['in pieces', ['-cades', '-stream', '-indef'], 'Malformed'],
    ])('%s is refused', async (_name, flags, code) => {
      expect(
        await codeOf(checkToken(await authority.sign(timestampInfo(), { flags }), digest)),
      ).toBe(code);
    });

    it('over another type of content is refused', async () => {
      const signed = await authority.sign(timestampInfo(), { type: 'pkcs7-data' });
      expect(await codeOf(checkToken(signed, digest))).toBe('Malformed');
    });

    it('by two is refused', async () => {
      await authority.sign(timestampInfo(), { by: 'expired' });
      const flags = ['-cades', '-signer', 'expired.pem', '-inkey', 'expired.key'];
      const signed = await authority.sign(timestampInfo(), { flags });
      expect(await codeOf(checkToken(signed, digest))).toBe('Malformed');
    });

    it.each<AuthorityKey>(['rsa:1024', 'secp256k1'])('with %s is refused', async (key) => {
      const by = await start({ key });
      expect(await codeOf(checkToken(await by.sign(timestampInfo()), digest))).toBe('BadSignature');
    });

    it('with RSA-PSS over SHA-1 is refused', async () => {
      const by = await start({ key: 'rsa:2048' });
      const flags = ['-cades', '-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_mgf1_md:sha1'];
      expect(await codeOf(checkToken(await by.sign(timestampInfo(), { flags }), digest))).toBe(
        'BadSignature',
      );
    });
  });

  describe('by a certificate', () => {
    it.each<[string, Record<string, string>]>([
      ['whose usage is not critical', { extendedKeyUsage: 'timeStamping' }],
      ['with a second usage', { extendedKeyUsage: 'critical,timeStamping,codeSigning' }],
      ['of any usage', { extendedKeyUsage: 'critical,anyExtendedKeyUsage' }],
      ['without a usage', { extendedKeyUsage: '' }],
      ['that may sign certificates', { keyUsage: 'critical,digitalSignature,keyCertSign' }],
      ['that may only encrypt', { keyUsage: 'critical,keyEncipherment' }],
      ['that may also decipher', { keyUsage: 'critical,digitalSignature,decipherOnly' }],
      ['that may do nothing', { keyUsage: 'critical,DER:03020700' }],
      ['with what is critical and not known', { '1.3.6.1.4.1.32473.2': 'critical,DER:0500' }],
    ])('%s is refused', async (_name, extensions) => {
      const by = await start({ extensions });
      const signed = await by.sign(timestampInfo());
      expect(await opensslAccepts(by, signed)).toBe(false);
      expect(await codeOf(checkToken(signed, digest, [by.caPem]))).toBe('BadCertificate');
      expect(await codeOf(checkToken(signed, digest))).toBe('BadCertificate');
    });
  });

  describe('and its chain', () => {
    it('leads to a root among others, in one text or several', async () => {
      const other = await start();
      for (const given of [
        [other.caPem, authority.caPem],
        [`# ours\n${other.caPem}\n\n${authority.caPem}`],
      ]) {
        expect(await checkToken(token, digest, given)).toEqual(stamp);
      }
    });

    it('may end at a CA below the root, if that is trusted', async () => {
      const intermediate = await authority.openssl('x509 -in intermediate.pem');
      expect(await checkToken(token, digest, [intermediate])).toEqual(stamp);
    });

    it('leads to no other root, nor to one of none', async () => {
      const other = await start({ intermediate: {} });
      for (const given of [[other.caPem], []]) {
        expect(await codeOf(checkToken(token, digest, given))).toBe('Untrusted');
      }
    });

    it('does not end at the signer itself', async () => {
      const signer = await authority.openssl('x509 -in authority.pem');
      expect(await codeOf(checkToken(token, digest, [signer]))).toBe('Untrusted');
    });

    it.each<[string, NonNullable<AuthorityOptions['intermediate']>]>([
      ['is no CA', { extensions: { basicConstraints: 'critical,CA:false' } }],
      ['says nothing of being a CA', { extensions: { basicConstraints: '', keyUsage: '' } }],
      ['may not sign certificates', { extensions: { keyUsage: 'critical,digitalSignature' } }],
      [
        'is for names that it is not for',
        { extensions: { nameConstraints: 'permitted;DNS:example.com' } },
      ],
      [
        'has what is critical and not known',
        { extensions: { '1.3.6.1.4.1.32473.2': 'critical,DER:0500' } },
      ],
      ['was not valid at the time of the timestamp', { from: '20200101', to: '20260101' }],
      ['is for servers', { extensions: { extendedKeyUsage: 'serverAuth' } }],
    ])('does not lead over a CA that %s', async (_name, intermediate) => {
      const by = await start({ intermediate });
      const signed = await by.sign(timestampInfo());
      expect(await codeOf(checkToken(signed, digest, [by.caPem]))).toBe('Untrusted');
      expect((await checkToken(signed, digest)).trusted).toBe(false);
    });

    it('does not end at a root that allows no CA below it', async () => {
      const by = await start({
        intermediate: {},
        root: { basicConstraints: 'critical,CA:true,pathlen:0' },
      });
      const signed = await by.sign(timestampInfo());
      expect(await opensslAccepts(by, signed)).toBe(false);
      expect(await codeOf(checkToken(signed, digest, [by.caPem]))).toBe('Untrusted');
    });

    it("does not end at the root's key under another name", async () => {
      await authority.openssl(
        'req -new -config openssl.cnf -section req_unfit -key root.key -out renamed.csr',
      );
      await authority.openssl(
        `ca -batch -notext -config openssl.cnf -extensions x509_root -startdate 20000101000000Z
         -enddate 21000101000000Z -selfsign -keyfile root.key -in renamed.csr -out renamed.pem`,
      );
      const renamed = await authority.openssl('x509 -in renamed.pem');
      expect(await codeOf(checkToken(token, digest, [renamed]))).toBe('Untrusted');
    });

    it('leads over a CA that was valid at the time of the timestamp', async () => {
      const by = await start({ intermediate: { from: '20200101', to: '20260103' } });
      const signed = await by.sign(timestampInfo());
      expect((await checkToken(signed, digest, [by.caPem])).trusted).toBe(true);
    });

    it('holds every certificate that the signature lists', async () => {
      const by = await start({ intermediate: {}, settings: { ess_cert_id_chain: 'yes' } });
      const listing = await tokenFrom(by);
      expect((await checkToken(listing, digest, [by.caPem])).trusted).toBe(true);
      // By this way the root, which is listed, is not on it.
      const intermediate = await by.openssl('x509 -in intermediate.pem');
      expect(await codeOf(checkToken(listing, digest, [intermediate]))).toBe('Untrusted');
    });

    it.each([
      ['nothing', ''],
      ['a key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
      ['a damaged certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
    ])('cannot be looked for with a root that is %s', async (_name, root) => {
      expect(await codeOf(checkToken(token, digest, [authority.caPem, root]))).toBe('BadRoots');
    });
  });

  describe('that was changed', () => {
    type Block = Constructed['valueBlock']['value'][number];
    const parts = (block: Block | undefined) => (block as Constructed).valueBlock.value;
    const signedDataOf = (root: Block) => parts(parts(root)[1])[0];
    /** The token with its parts changed, and every length counted anew. */
    function edited(change: (root: Block) => void): Buffer {
      const { result } = fromBER(token);
      change(result);
      return Buffer.from(result.toBER());
    }
    const element = (bytes: Uint8Array) => fromBER(bytes).result;
    const nothing = () => element(Buffer.from('0500', 'hex'));

    it('is the same when nothing was', async () => {
      expect(edited(() => undefined)).toEqual(token);
    });

    /** A token whose signed attributes were changed by an authority that signs anything. */
    async function resigned(
      change: (attributes: Block[]) => void,
      by?: { algorithm: Buffer; hash: string },
    ): Promise<Buffer> {
      const { result } = fromBER(await authority.sign(timestampInfo()));
      const signer = parts(parts(parts(signedDataOf(result))[4])[0]);
      const [, , , attributes] = signer;
      change(parts(attributes));
      const signed = Buffer.from(attributes?.toBER() ?? new ArrayBuffer(0));
      signed[0] = 0x31;
      if (by) signer[4] = element(by.algorithm);
      const key = await authority.openssl('pkey -in authority.key');
      signer[5] = new OctetString({ valueHex: sign(by?.hash ?? 'sha256', signed, key) });
      return Buffer.from(result.toBER());
    }
    const attributeOf = (attributes: Block[], oid: string) =>
      attributes.findIndex((attribute) => Buffer.from(attribute.toBER()).includes(hex(oid)));
    const contentType = '06092a864886f70d010903';
    const messageDigest = '06092a864886f70d010904';
    const signingCertificate = '060b2a864886f70d010910022f';
    /** Replaces bytes in one attribute, by as many. */
    const replaced = (oid: string, from: Buffer, to: Buffer) =>
      resigned((attributes) => {
        const index = attributeOf(attributes, oid);
        const bytes = Buffer.from(attributes[index]?.toBER() ?? new ArrayBuffer(0));
        const at = bytes.indexOf(from);
        expect(at).toBeGreaterThan(0);
        bytes.set(to, at);
        attributes[index] = element(bytes);
      });

    it('and signed again is good, if it is the same', async () => {
      const same = await resigned(() => undefined);
      expect((await checkToken(same, digest, roots)).trusted).toBe(true);
      expect(await opensslAccepts(authority, same)).toBe(true);
    });

    it('and signed again as another type of content is refused', async () => {
      // id-ct-TSTInfo becomes id-ct-contentInfo.
      const type = '2a864886f70d01091001';
      const other = await replaced(contentType, hex(`${type}04`), hex(`${type}06`));
      expect(await codeOf(checkToken(other, digest))).toBe('Malformed');
    });

    it('and signed again for the certificate of another issuer or number is refused', async () => {
      const signer = new X509Certificate(await authority.openssl('x509 -in authority.pem'));
      const number = hex(signer.serialNumber);
      const name = Buffer.from('Example Timestamping CA');
      for (const one of [number, name]) {
        const other = await replaced(signingCertificate, one, Buffer.from(one).fill(0x41));
        expect(await codeOf(checkToken(other, digest))).toBe('BadSignature');
      }
    });

    it.each([
      ['another hash than that of its content', sequence(hex('06082a8648ce3d040303')), 'sha384'],
      ['parameters', sequence(hex('06082a8648ce3d0403020500')), 'sha256'],
      ['the name of its key only', sequence(hex('06072a8648ce3d0201')), 'sha256'],
    ])('and signed again with %s is refused', async (_name, algorithm, hash) => {
      const other = await resigned(() => undefined, { algorithm, hash });
      expect(await codeOf(checkToken(other, digest))).toBe('BadSignature');
    });

    it.each<[string, string, (attributes: Block[], index: number) => void]>([
      [
        'without its type',
        contentType,
        (attributes, index) => {
          attributes.splice(index, 1);
        },
      ],
      [
        'without its digest',
        messageDigest,
        (attributes, index) => {
          attributes.splice(index, 1);
        },
      ],
      [
        'with its digest twice',
        messageDigest,
        (attributes, index) => {
          attributes.push(attributes[index] as Block);
        },
      ],
      [
        'with two values of its digest',
        messageDigest,
        (attributes, index) => {
          const values = parts(parts(attributes[index])[1]);
          values.push(values[0] as Block);
        },
      ],
    ])('and signed again %s is refused', async (_name, oid, change) => {
      const other = await resigned((attributes) =>
        change(attributes, attributeOf(attributes, oid)),
      );
      expect(await codeOf(checkToken(other, digest))).toBe('Malformed');
    });

    it.each<[string, (root: Block) => void]>([
      ['after the content', (root) => parts(root).push(nothing())],
      ['beside the signed data', (root) => parts(parts(root)[1]).push(nothing())],
      ['in the signed data', (root) => parts(signedDataOf(root)).push(nothing())],
      ['beside what is signed', (root) => parts(parts(signedDataOf(root))[2]).push(nothing())],
      ['among the digests', (root) => parts(parts(signedDataOf(root))[1]).push(nothing())],
      ['among the certificates', (root) => parts(parts(signedDataOf(root))[3]).push(nothing())],
      ['among the signers', (root) => parts(parts(signedDataOf(root))[4]).push(nothing())],
      ['in the signer', (root) => parts(parts(parts(signedDataOf(root))[4])[0]).push(nothing())],
    ])('by one more element %s is refused', async (_name, change) => {
      expect(await codeOf(checkToken(edited(change), digest, roots))).toBe('Malformed');
    });

    it('by bytes after its end is refused', async () => {
      for (const more of ['00', '0000', '0500', token.toString('hex')]) {
        const longer = Buffer.concat([token, Buffer.from(more, 'hex')]);
        expect(await codeOf(checkToken(longer, digest, roots))).toBe('Malformed');
      }
    });

    it('by cutting it anywhere is refused', async () => {
      for (let length = 0; length < token.length; length += 1) {
        expect(await codeOf(checkToken(token.subarray(0, length), digest, roots))).toBe(
          'Malformed',
        );
      }
    });

    it('to another form of the same is refused', async () => {
      const content = token.subarray(4);
      const longer = Buffer.concat([Buffer.from('308300', 'hex'), token.subarray(2)]);
      const indefinite = Buffer.concat([Buffer.from('3080', 'hex'), content, Buffer.alloc(2)]);
      for (const form of [longer, indefinite]) {
        expect(await codeOf(checkToken(form, digest, roots))).toBe('Malformed');
      }
    });

    /** The authority's certificate with more extensions, signed by nobody. */
    async function extended(change: (extensions: Block[]) => void): Promise<Buffer> {
      const pem = await authority.openssl('x509 -in authority.pem');
      const { result } = fromBER(new X509Certificate(pem).raw);
      const [extensions] = parts(parts(parts(result)[0]).at(-1));
      change(parts(extensions));
      return Buffer.from(result.toBER());
    }
    const withCertificate = (certificate: Buffer) =>
      edited((root) => parts(parts(signedDataOf(root))[3]).push(element(certificate)));

    it('by a certificate with another one inside is refused', async () => {
      const comment = hex('06096086480186f842010d');
      const inside = der(0x04, text(0x16, `\n${authority.caPem}`));
      const disguised = await extended((extensions) =>
        extensions.push(element(sequence(comment, inside))),
      );
      // What looks for PEM first finds the root in the authority's certificate.
      expect(new X509Certificate(disguised).subject).toContain('Example Root');
      const changed = withCertificate(disguised);
      expect(await codeOf(checkToken(changed, digest, roots))).toBe('Malformed');
    });

    it('by a certificate that has an extension twice is refused', async () => {
      const once = withCertificate(await extended(() => undefined));
      expect(await checkToken(once, digest, roots)).toEqual(stamp);
      const twice = await extended((extensions) => extensions.push(extensions[0] as Block));
      expect(await codeOf(checkToken(withCertificate(twice), digest, roots))).toBe('Malformed');
    });

    it('by more certificates than any chain has is refused', async () => {
      const change = (root: Block) => {
        const certificates = parts(parts(signedDataOf(root))[3]);
        const [first] = certificates;
        if (first) certificates.push(...Array.from({ length: 32 }, () => first));
      };
      expect(await codeOf(checkToken(edited(change), digest, roots))).toBe('Malformed');
    });

    it('by another signer of the same name is refused', async () => {
      const other = await start({ intermediate: {} });
      const theirs = signedDataOf(fromBER(await other.sign(timestampInfo())).result);
      const change = (root: Block) => {
        // Their certificates, with our signature.
        parts(signedDataOf(root))[3] = parts(theirs)[3] as Block;
      };
      expect(await codeOf(checkToken(edited(change), digest, [other.caPem]))).toBe(
        'BadCertificate',
      );
    });

    it('by the signature of another token is refused', async () => {
      const theirs = signedDataOf(fromBER(await authority.sign(timestampInfo())).result);
      const change = (root: Block) => {
        parts(signedDataOf(root))[4] = parts(theirs)[4] as Block;
      };
      expect(await codeOf(checkToken(edited(change), digest, roots))).toBe('BadSignature');
    });

    /** Where the certificates lie that are not the signer's: nothing but the chain covers them. */
    function otherCertificates(): { name: string; start: number; end: number }[] {
      const { result } = fromBER(token);
      return parts(parts(signedDataOf(result))[3])
        .map(({ valueBeforeDecodeView: bytes }) => ({
          name: new X509Certificate(bytes).subject.split('\n').at(-1) ?? '',
          start: bytes.byteOffset,
          end: bytes.byteOffset + bytes.length,
        }))
        .filter(({ name }) => name !== 'CN=Example Timestamp Authority');
    }

    it.each([
      // Without roots nobody asks for the chain; with them, only the copy of the root proves nothing.
      ['without roots', false, ['CN=Example Root', 'CN=Example Timestamping CA']],
      ['with roots', true, ['CN=Example Root']],
    ])(
      'in any one byte is refused, %s',
      async (_name, withRoots, uncovered) => {
        const free = otherCertificates().filter(({ name }) => uncovered.includes(name));
        expect(free.map(({ name }) => name).sort()).toEqual(uncovered);
        const given = withRoots ? roots : undefined;
        const unchanged = await checkToken(token, digest, given);
        for (const [at, byte] of token.entries()) {
          const isFree = free.some(({ start, end }) => start <= at && at < end);
          // A neighbour; a letter's other case, or the bit that makes lengths long.
          for (const mask of [0x01, at % 2 === 0 ? 0x20 : 0x80]) {
            const changed = Buffer.from(token);
            changed[at] = byte ^ mask;
            const outcome = await checkToken(changed, digest, given).catch(
              (error: unknown) => error,
            );
            if (outcome instanceof TimestampError) continue;
            expect([at, mask, isFree, outcome]).toEqual([at, mask, true, unchanged]);
          }
        }
      },
      120_000,
    );

    it('in whatever way is refused, or says the same', async () => {
      const changes = fc.record({
        at: fc.nat(token.length),
        away: fc.nat(40),
        bytes: fc.uint8Array({ maxLength: 40 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 3 }), async (all) => {
          const changed = all.reduce(
            (bytes, { at, away, bytes: put }) =>
              Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + away)]),
            token,
          );
          const outcome = await checkToken(changed, digest, roots).catch((error: unknown) => error);
          if (!(outcome instanceof TimestampError)) expect(outcome).toEqual(stamp);
        }),
        { numRuns: 5_000 },
      );
    });
  });
});
