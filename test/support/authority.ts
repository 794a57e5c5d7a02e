/**
 * A timestamp authority (RFC 3161) on the loopback: certificates and replies are OpenSSL's own
 * (`openssl ts -reply`), so that what accepts them was not written by those who made them. It fails
 * in every way that an authority can, on demand.
 *
 * ```ts
 * const authority = await startAuthority();
 * await requestToken(authority.url, digest, { roots: [authority.caPem], signal });
 * authority.mode = 'hang';
 * await authority.close();
 * ```
 *
 * OpenSSL is no part of this project: it is looked for on the PATH, and what needs it says plainly
 * when it is not there.
 */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { Integer, OctetString } from 'asn1js';
import { TimeStampReq } from 'pkijs';

const execute = promisify(execFile);

/** A key of RSA takes a tenth of a second; a loaded machine may need much longer. */
const opensslTimeoutMs = 30_000;

/** id-ct-TSTInfo. */
const timestampInfoType = '1.2.840.113549.1.9.16.1.4';

/** Of authorities that nobody closed: a test may fail before it can. */
const folders = new Set<string>();
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Whether OpenSSL 3 is on the PATH; LibreSSL and OpenSSL 1 cannot make all that is needed. */
export const opensslAvailable = /^OpenSSL ([3-9]|\d\d)\./.test(
  spawnSync('openssl', ['version'], { encoding: 'utf8', timeout: opensslTimeoutMs }).stdout ?? '',
);

/** For the titles of tests that are skipped without OpenSSL. */
export const opensslMissing = opensslAvailable ? '' : ' (skipped: no OpenSSL 3 on the PATH)';

/** How an authority answers. */
export type AuthorityMode =
  /** A token for what was asked. */
  | 'good'
  /** Cuts every connection. */
  | 'refuse'
  /** Status 500. */
  | 'error'
  /** Status 200 and a page: a captive portal. */
  | 'html'
  /** The right content type, and no DER. */
  | 'garbage'
  /** A reply, signed by nobody, that it does not accept SHA-256 (`badAlg`). */
  | 'reject'
  /** A good token for the digest of something else, with this request's nonce. */
  | 'other digest'
  /** A good token for this digest, with another request's nonce. */
  | 'other nonce'
  /** The first good reply that it gave, once more; before there is one, as `other digest`. */
  | 'replay'
  /** A token signed by a certificate of the same CA that is for signing code. */
  | 'unfit'
  /** A token of now, signed by a certificate that was valid in January 2020. */
  | 'expired'
  /** Never answers. */
  | 'hang';

/** The certificates that can sign; each is issued by the same CA. */
export type AuthoritySigner = 'authority' | 'unfit' | 'expired';

/** Of every certificate: the default is the fastest; `secp256k1` and 1024 bits are not accepted. */
export type AuthorityKey = 'P-256' | 'P-384' | 'P-521' | 'secp256k1' | 'rsa:2048' | 'rsa:1024';

export interface AuthorityOptions {
  /** Default `P-256`. */
  key?: AuthorityKey;
  /** Extensions of the authority's certificate, as in openssl.cnf; an empty one is left out. */
  extensions?: Record<string, string>;
  /**
   * A CA between the root and the authority, with its extensions, and its validity as YYYYMMDD;
   * default none.
   */
  intermediate?: { extensions?: Record<string, string>; from?: string; to?: string };
  /** Extensions of the root's certificate. */
  root?: Record<string, string>;
  /** Lines for the section of `openssl ts`, `ess_cert_id_alg` for instance. */
  settings?: Record<string, string>;
}

interface SigningWay {
  by?: AuthoritySigner;
  flags?: string[];
  type?: string;
}

/** A running authority. */
export interface Authority {
  /** `http://127.0.0.1:PORT/tsr`. */
  url: string;
  /** The root's certificate, valid from 2000 to 2100. */
  caPem: string;
  /** The same as a file, for `openssl ts -verify -CAfile`; gone after `close`. */
  caFile: string;
  /** How it answers from now on. */
  mode: AuthorityMode;
  /** How many requests it had. */
  readonly requests: number;
  /** What it answers to a request in its present mode, past the network; fails where it gives none. */
  reply(query: Uint8Array): Promise<Buffer>;
  /**
   * A token over any TSTInfo, signed by `openssl cms`: for what `openssl ts` refuses to sign.
   * @param how.by whose certificate, default `authority`.
   * @param how.flags of `openssl cms -sign`, default `-cades`, which names the certificate.
   * @param how.type of what is signed, default id-ct-TSTInfo.
   */
  sign(info: Uint8Array, how?: SigningWay): Promise<Buffer>;
  /** The TSTInfo in a token. */
  content(token: Uint8Array): Promise<Buffer>;
  /**
   * Runs OpenSSL in the authority's folder, where `root.pem` is the CA's certificate.
   * @param command its words, separated by spaces.
   * @returns what it printed on stdout.
   * @throws with what it printed when it fails.
   */
  openssl(command: string): Promise<string>;
  /** Writes a file into the authority's folder. */
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Ends it, with all that still waits for an answer, and removes its folder. */
  close(): Promise<void>;
}

/** Starts an authority on a free port. It takes a fifth of a second, with RSA rather a second. */
export async function startAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'tickmark-authority-'));
  folders.add(folder);
  const desk = new Desk(folder, options);
  await desk.open();

  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request, response).catch((error: Error) => {
      // The test sees a status; the reason is for whoever looks into it.
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(error.message);
    });
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const query = await buffer(request);
    const { mode } = authority;
    if (mode === 'hang') return;
    if (mode === 'refuse') {
      request.socket.destroy();
      return;
    }
    if (mode === 'error') throw new Error('out of order');
    if (mode === 'html') {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html><body>Sign in to the network</body></html>');
      return;
    }
    const reply = await desk.inTurn(() => desk.replyIn(mode, query));
    response.writeHead(200, { 'content-type': 'application/timestamp-reply' });
    response.end(reply);
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const authority: Authority = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`,
    caPem: (await desk.read('root.pem')).toString(),
    caFile: join(folder, 'root.pem'),
    mode: 'good',
    get requests() {
      return requests;
    },
    reply: (query) => desk.inTurn(() => desk.replyIn(authority.mode, query)),
    sign: (info, how) => desk.inTurn(() => desk.sign(info, how)),
    content: (token) => desk.inTurn(() => desk.content(token)),
    openssl: (command) => desk.openssl(command),
    write: (name, content) => desk.write(name, content),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      // An answer that nobody waits for any more may still be in the making.
      await desk.inTurn(async () => undefined);
      await rm(folder, { recursive: true, force: true });
      folders.delete(folder);
    },
  };
  return authority;
}

/** What happens in an authority's folder: certificates and replies, all of them OpenSSL's. */
class Desk {
  readonly #folder: string;
  readonly #options: AuthorityOptions;
  /** Who has a certificate, or is about to get one. */
  readonly #issued = new Map<AuthoritySigner, Promise<void>>();
  #last: Promise<unknown> = Promise.resolve();
  #first: Buffer | undefined;

  constructor(folder: string, options: AuthorityOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Makes the CA, and the authority's own certificate. */
  async open(): Promise<void> {
    await Promise.all([
      this.write('openssl.cnf', configuration(this.#options)),
      this.write('serial', '01'),
      this.write('index.txt', ''),
      this.write('index.txt.attr', 'unique_subject = no'),
    ]);
    const cas = this.#options.intermediate ? ['root', 'intermediate'] : ['root'];
    await Promise.all([...cas, 'authority'].map((name) => this.#request(name)));
    for (const name of cas) await this.#certify(name, 'root');
    this.#issued.set('authority', this.#certify('authority', this.#issuer));
    const chain = await Promise.all(cas.map((name) => this.read(`${name}.pem`)));
    await this.write('chain.pem', Buffer.concat(chain));
    await this.#issued.get('authority');
  }

  /** One after the other: files and serial numbers are shared. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async openssl(command: string): Promise<string> {
    const { stdout } = await execute('openssl', command.split(/\s+/), {
      cwd: this.#folder,
      timeout: opensslTimeoutMs,
    });
    return stdout;
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await writeFile(join(this.#folder, name), content);
  }

  read(name: string): Promise<Buffer> {
    return readFile(join(this.#folder, name));
  }

  async replyIn(mode: AuthorityMode, query: Uint8Array): Promise<Buffer> {
    switch (mode) {
      case 'good': {
        const reply = await this.#reply(query);
        this.#first ??= reply;
        return reply;
      }
      case 'garbage':
        return Buffer.from('Service temporarily unavailable');
      case 'reject':
        return this.#reply(query, 'refusing');
      case 'replay':
        return this.#first ?? (await this.#reply(withOtherDigest(query)));
      case 'other digest':
        return this.#reply(withOtherDigest(query));
      case 'other nonce':
        return this.#reply(withOtherNonce(query));
      case 'unfit':
      case 'expired':
        return this.#signedAgain(query, mode);
      default:
        throw new Error(`an authority in mode ${mode} gives no reply`);
    }
  }

  async sign(
    info: Uint8Array,
    { by = 'authority', flags = ['-cades'], type = timestampInfoType }: SigningWay = {},
  ): Promise<Buffer> {
    await this.#needs(by);
    await this.write('info.der', info);
    await this.openssl(
      `cms -sign -binary -nodetach -nosmimecap -md sha256 -econtent_type ${type}
       -in info.der -outform DER -out signed.der -certfile chain.pem
       -signer ${by}.pem -inkey ${by}.key ${flags.join(' ')}`.trim(),
    );
    return this.read('signed.der');
  }

  async content(token: Uint8Array): Promise<Buffer> {
    await this.write('token.der', token);
    // Only taken out: what it is worth is for others to say.
    await this.openssl(
      `cms -verify -noverify -no_attr_verify -no_content_verify -binary
       -inform DER -in token.der -out content.der`,
    );
    return this.read('content.der');
  }

  async #reply(query: Uint8Array, section = 'accepting'): Promise<Buffer> {
    await this.#needs('authority');
    await this.write('query.der', query);
    await this.openssl(
      `ts -reply -config openssl.cnf -section ${section} -queryfile query.der
       -signer authority.pem -inkey authority.key -chain chain.pem -out reply.der`,
    );
    return this.read('reply.der');
  }

  /** A good reply, but for its signer: `openssl ts` would not let that one sign. */
  async #signedAgain(query: Uint8Array, by: AuthoritySigner): Promise<Buffer> {
    await this.#reply(query);
    await this.openssl('ts -reply -in reply.der -token_out -out good.der');
    await this.sign(await this.content(await this.read('good.der')), { by });
    await this.openssl('ts -reply -in signed.der -token_in -out again.der');
    return this.read('again.der');
  }

  get #issuer(): string {
    return this.#options.intermediate ? 'intermediate' : 'root';
  }

  async #needs(signer: AuthoritySigner): Promise<void> {
    const issue = async () => {
      await this.#request(signer);
      await this.#certify(signer, this.#issuer);
    };
    const issued = this.#issued.get(signer) ?? issue();
    this.#issued.set(signer, issued);
    await issued;
  }

  /** Makes a key, and the request for its certificate. */
  async #request(name: string): Promise<void> {
    const { key = 'P-256' } = this.#options;
    const kind = key.startsWith('rsa') ? key : `ec -pkeyopt ec_paramgen_curve:${key}`;
    await this.openssl(
      `req -new -config openssl.cnf -section req_${name} -nodes
       -newkey ${kind} -keyout ${name}.key -out ${name}.csr`,
    );
  }

  async #certify(name: string, issuer: string): Promise<void> {
    const validities: Record<string, { from?: string; to?: string } | undefined> = {
      intermediate: this.#options.intermediate,
      expired: { from: '20200101', to: '20200201' },
    };
    const { from = '20000101', to = '21000101' } = validities[name] ?? {};
    await this.openssl(
      `ca -batch -notext -config openssl.cnf -extensions x509_${name}
       -startdate ${from}000000Z -enddate ${to}000000Z -keyfile ${issuer}.key
       ${name === issuer ? '-selfsign' : `-cert ${issuer}.pem`} -in ${name}.csr -out ${name}.pem`,
    );
  }
}

function withOtherDigest(query: Uint8Array): Buffer {
  return changed(query, (request) => {
    request.messageImprint.hashedMessage = new OctetString({ valueHex: Buffer.alloc(32, 7) });
  });
}

function withOtherNonce(query: Uint8Array): Buffer {
  return changed(query, (request) => {
    request.nonce = new Integer({ value: 7 });
  });
}

function changed(query: Uint8Array, change: (request: TimeStampReq) => void): Buffer {
  const request = TimeStampReq.fromBER(query);
  change(request);
  return Buffer.from(request.toSchema().toBER());
}

/** What OpenSSL needs to know; every file is in the folder that it runs in. */
function configuration({ extensions, intermediate, root, settings }: AuthorityOptions): string {
  const section = (name: string, lines: Record<string, string>) =>
    Object.entries(lines)
      .filter(([, value]) => value !== '')
      .reduce((text, [key, value]) => `${text}${key} = ${value}\n`, `[${name}]\n`);
  const subjects = {
    root: 'Example Root',
    intermediate: 'Example Timestamping CA',
    authority: 'Example Timestamp Authority',
    // The authority's own name: the name in the token is not what is wrong with them.
    unfit: 'Example Timestamp Authority',
    expired: 'Example Timestamp Authority',
  };
  const ca = {
    basicConstraints: 'critical,CA:true',
    keyUsage: 'critical,keyCertSign',
    subjectKeyIdentifier: 'hash',
  };
  const signer = {
    basicConstraints: 'critical,CA:false',
    keyUsage: 'critical,digitalSignature',
    authorityKeyIdentifier: 'keyid',
    extendedKeyUsage: 'critical,timeStamping',
  };
  const accepting = {
    serial: 'serial',
    default_policy: '1.3.6.1.4.1.32473.1',
    digests: 'sha256',
    accuracy: 'secs:1, millisecs:500',
    ordering: 'yes',
    tsa_name: 'yes',
    ess_cert_id_alg: 'sha256',
    signer_digest: 'sha256',
    clock_precision_digits: '3',
    ...settings,
  };
  return [
    ...Object.entries(subjects).flatMap(([name, CN]) => [
      section(`req_${name}`, { prompt: 'no', distinguished_name: `name_${name}` }),
      section(`name_${name}`, { C: 'DE', O: '"Example, Ltd"', CN }),
    ]),
    section('x509_root', { ...ca, ...root }),
    section('x509_intermediate', {
      ...ca,
      basicConstraints: 'critical,CA:true,pathlen:0',
      ...intermediate?.extensions,
    }),
    section('x509_authority', { ...signer, ...extensions }),
    section('x509_unfit', { ...signer, extendedKeyUsage: 'critical,codeSigning' }),
    section('x509_expired', signer),
    section('ca', { default_ca: 'issuing' }),
    section('issuing', {
      database: 'index.txt',
      new_certs_dir: '.',
      rand_serial: 'yes',
      default_md: 'sha256',
      policy: 'any_name',
    }),
    section('any_name', { C: 'optional', O: 'optional', CN: 'supplied' }),
    section('accepting', accepting),
    section('refusing', { ...accepting, digests: 'sha512' }),
  ].join('\n');
}
