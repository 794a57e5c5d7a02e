/** The walls of the house (docs/architecture.md). A wrong import fails here, with the reason. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { registryText } from '../scripts/registry.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What each part may import of ours, and why no more. */
const walls: { part: string; may: string[]; why: string }[] = [
  { part: 'src/evidence', may: [], why: 'evidence is understood without the rest of the program' },
  {
    part: 'src/plugin.ts',
    may: ['src/evidence'],
    why: "the public face shows nothing of the program's inside",
  },
  { part: 'src/yaml', may: ['src/evidence'], why: 'reading files knows nothing of what they mean' },
  { part: 'src/config', may: ['src/evidence', 'src/yaml'], why: 'a configuration is data' },
  {
    part: 'src/controls',
    may: ['src/evidence', 'src/yaml', 'src/plugin.ts'],
    why: 'a control knows what evidence looks like, never how it is collected or kept',
  },
  {
    part: 'src/evaluate',
    may: ['src/evidence', 'src/controls', 'src/yaml'],
    why: 'judging is pure: no network, no disk, no clock',
  },
  {
    part: 'src/providers',
    may: ['src/evidence', 'src/plugin.ts'],
    why: 'a client knows nothing of who asks',
  },
  {
    part: 'src/collect',
    may: ['src/evidence', 'src/plugin.ts', 'src/providers'],
    why: 'collecting never judges and never writes',
  },
  {
    part: 'src/seal',
    may: ['src/evidence'],
    why: 'a seal is checked without the program that made the evidence',
  },
  {
    part: 'src/store',
    may: ['src/evidence', 'src/seal'],
    why: 'a store keeps; it neither collects nor judges',
  },
  {
    part: 'src/period',
    may: ['src/evidence', 'src/seal', 'src/controls'],
    why: 'a period is worked out from what is sealed, and from nothing else',
  },
  {
    part: 'src/report',
    may: ['src/evidence', 'src/seal', 'src/controls', 'src/period'],
    why: 'a report shows what is sealed, and what a period comes to',
  },
  {
    part: 'src/archive',
    may: ['src/evidence', 'src/seal', 'src/store', 'src/period', 'src/report', 'src/controls'],
    why: 'an archive holds what is sealed and reports of it; it collects and judges nothing',
  },
  {
    part: 'src/verify',
    may: [
      'src/evidence',
      'src/seal',
      'src/store',
      'src/yaml',
      'src/plugin.ts',
      'src/controls',
      'src/evaluate',
      // A sample is drawn again, and its population worked out again: pure, as judging is.
      'src/period',
    ],
    why: 'what verifies shares nothing with what collected',
  },
  {
    part: 'collectors',
    may: ['src/plugin.ts'],
    why: 'a built-in collector has nothing that a foreign one has not',
  },
];

/**
 * Sources of nondeterminism and effects that a pure part may not even name; streams only hand on,
 * and what is compressed at once is a function of its bytes.
 */
const impure =
  /\bnode:(?!crypto|stream|zlib)|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bfetch\(|\bperformance\b/;

const files = ['src', 'collectors'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const specifiers = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g);
  return [...specifiers].map(([, specifier = '']) => specifier);
}

/** Our own files that a file imports, from the root. */
function ownImportsOf(file: string): string[] {
  return importsOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => relative(root, join(root, dirname(file), specifier)));
}

const isWithin = (file: string, part: string) => file === part || file.startsWith(`${part}/`);

describe('the direction of imports', () => {
  it('is looked at in every file', () => {
    const known = [...walls.map(({ part }) => part), 'src/cli'];
    expect(files.filter((file) => !known.some((part) => isWithin(file, part)))).toEqual([]);
    expect(files.length).toBeGreaterThan(50);
  });

  it.each(walls)('$part imports only what it may: $why', ({ part, may }) => {
    const wrong = files
      .filter((file) => isWithin(file, part))
      .flatMap((file) =>
        ownImportsOf(file)
          .filter((target) => ![part, ...may].some((allowed) => isWithin(target, allowed)))
          .map((target) => `${file} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  // What asks sources is declared and only reads. The store, the signing key and the timestamp
  // authority are no sources: their clients write, and stand where they are used.
  const ownClients = [
    'src/store/s3.ts',
    'src/store/s3-doctor.ts',
    'src/seal/kms.ts',
    'src/seal/authority.ts',
  ];

  it('clients that ask sources are made in src/providers only', () => {
    const wrong = files
      .filter((file) => !isWithin(file, 'src/providers') && !ownClients.includes(file))
      .filter((file) => {
        const text = readFileSync(join(root, file), 'utf8');
        // Types may be imported anywhere; a collector hands a package over to be loaded.
        const values = text.replace(
          /import type[^;]*;|typeof import\([^)]*\)|load: \(\) => import\([^)]*\)/g,
          '',
        );
        return /@aws-sdk\/|@smithy\/|\bfetch\(|node:https?'/.test(values);
      });
    expect(wrong).toEqual([]);
  });

  it.each(['src/evaluate', 'src/evidence', 'src/report', 'src/period'])(
    '%s names no effect',
    (part) => {
      const wrong = files
        .filter((file) => isWithin(file, part) && file !== 'src/evidence/clock.ts')
        .filter((file) => impure.test(readFileSync(join(root, file), 'utf8')));
      expect(wrong).toEqual([]);
    },
  );
});

describe('collectors', () => {
  const folders = (folder: string) =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));

  it('have the same files in every folder', () => {
    for (const api of folders('collectors').flatMap(folders)) {
      expect(readdirSync(join(root, api)), api).toEqual(
        expect.arrayContaining(['README.md', 'index.ts', 'schema.ts']),
      );
    }
  });

  it('are all in the registry, which is written by a script', () => {
    expect(readFileSync(join(root, 'collectors/index.ts'), 'utf8')).toBe(
      registryText(join(root, 'collectors')),
    );
  });
});
