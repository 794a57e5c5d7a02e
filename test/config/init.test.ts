import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import aws from '../../collectors/aws/index.ts';
import { detect, initialConfig } from '../../src/config/init.ts';
import { loadConfig } from '../../src/config/load.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tickmark-init-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(text: string) {
  const file = path.join(folder, 'tickmark.yaml');
  writeFileSync(file, text);
  return loadConfig(file);
}

describe('initialConfig', () => {
  it('loads without fault, whatever was found', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.record(
          {
            organization: text.filter((t) => !t.includes('\0')),
            awsProfile: fc.string({ minLength: 1 }),
            awsRegion: fc.constantFrom('eu-west-1', 'us-gov-east-1'),
            gitRemote: text,
            githubToken: fc.boolean(),
            year: fc.integer({ min: 1000, max: 9999 }),
          },
          { requiredKeys: ['organization', 'year'] },
        ),
        (found) => {
          // A NUL can stand in no file name, profile or address.
          const clean = JSON.parse(JSON.stringify(found).replaceAll('\\u0000', '')) as typeof found;
          const loaded = load(initialConfig(clean));
          expect(loaded.config.period?.start).toBe(`${found.year}-01-01`);
          expect(loaded.checkWith(0, aws.config).ok).toBe(clean.awsProfile !== '');
        },
      ),
      { numRuns: 50 },
    );
  });

  it('keeps the name of the organisation as it is', () => {
    const organization = 'Acme: "Rockets" & Söhne #1';
    expect(load(initialConfig({ organization, year: 2026 })).config.organization).toBe(
      organization,
    );
  });

  it('writes no source that does not exist', () => {
    const gitRemote = 'https://git.example.com/acme/app';
    const text = initialConfig({ organization: 'acme', gitRemote, year: 2026 });
    expect(load(text).config.sources.map((source) => source.use)).toEqual(['aws']);
    expect(text).toContain(`# ${gitRemote}`);
  });

  it('asks GitHub where there is a token, and says how where there is none', () => {
    const found = { organization: 'acme', gitRemote: 'https://github.com/acme/app', year: 2026 };
    const { config } = load(initialConfig({ ...found, githubToken: true }));
    expect(config.sources.map(({ use, with: settings }) => [use, settings.organization])).toEqual([
      ['aws', undefined],
      ['github', 'acme'],
    ]);
    const without = initialConfig(found);
    expect(load(without).config.sources.map(({ use }) => use)).toEqual(['aws']);
    const uncommented = without.replace(/^ {2}# (?!With)/gm, '  ');
    expect(load(uncommented).config.sources.map(({ use }) => use)).toEqual(['aws', 'github']);
  });
});

describe('detect', () => {
  const repository = (address: string): string => {
    const cwd = mkdtempSync(path.join(folder, 'git-'));
    execFileSync('git', ['init', '--quiet'], { cwd });
    execFileSync('git', ['remote', 'add', 'origin', address], { cwd });
    return cwd;
  };

  it.each([
    ['git@github.com:acme/app.git', 'acme', 'git@github.com:acme/app.git'],
    ['https://github.com/acme/app', 'acme', 'https://github.com/acme/app'],
    ['https://me:s3cret@github.com/acme/web.git', 'acme', 'https://github.com/acme/web.git'],
    ['https://s3cret-token@github.com/acme/token.git', 'acme', 'https://github.com/acme/token.git'],
    ['https://u:p@ss@github.com/acme/odd1.git', 'acme', 'https://github.com/acme/odd1.git'],
  ])('reads the remote %s', (address, organization, gitRemote) => {
    expect(detect({}, repository(address))).toEqual({ organization, gitRemote });
  });

  it('names the folder where there is no repository', () => {
    const cwd = path.join(folder, 'acme-infra');
    mkdirSync(cwd);
    expect(detect({}, cwd)).toMatchObject({ organization: 'acme-infra' });
  });

  it('reads the AWS variables that are set', () => {
    const cwd = path.join(folder, 'acme-infra');
    expect(detect({ AWS_PROFILE: 'audit', AWS_REGION: 'eu-west-1' }, cwd)).toMatchObject({
      awsProfile: 'audit',
      awsRegion: 'eu-west-1',
    });
    expect(detect({ AWS_PROFILE: '', AWS_DEFAULT_REGION: 'us-east-1' }, cwd)).toMatchObject({
      awsRegion: 'us-east-1',
    });
    expect(detect({ AWS_PROFILE: '' }, cwd)).not.toHaveProperty('awsProfile');
  });
});
