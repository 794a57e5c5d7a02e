/** What a person meets who types something wrong, has nothing yet, or asks for help. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tickmark } from '../support/cli.ts';
import { removeTemporary, temporaryFolder } from '../support/temporary.ts';

afterAll(removeTemporary);

/** Nothing listens there: what is tested here asks nobody. */
const nowhere = 'http://127.0.0.1:9';

const runCli = (args: string[], options: { cwd: string } = { cwd: process.cwd() }) =>
  tickmark(args, nowhere, options);

const config = `organization: Acme, Inc.
period: { start: 2026-01-01, end: 2026-12-31 }
sources:
  - id: production
    use: aws
    with: { regions: [us-east-1] }
`;

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

describe('the command line', () => {
  it('prints its version, and nothing else', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    for (const flag of ['--version', '-V']) {
      expect(await runCli([flag])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    }
  });

  it.each([
    ['an unknown command', ['colect'], /unknown command 'colect'.*\n?.*collect/s],
    ['an unknown option', ['run', '--jsn'], /unknown option '--jsn'.*--json/s],
    ['a status that is none', ['results', '--status', 'failed'], /There is no status failed/],
    ['a clock that is none', ['run', '--clock', 'yesterday'], /2026-01-31T02:00:00Z/],
    ['a deadline of nothing', ['run', '--deadline', '0'], /seconds above 0/],
    ['both record and replay', ['run', '--record', 'a', '--replay', 'b'], /cannot be used with/],
    ['no id', ['controls', 'show'], /missing required argument/],
    ['no configuration', ['run'], /tickmark\.yaml does not exist.*tickmark init/],
  ])('answers %s with exit 2 and a sentence', async (_what, args, message) => {
    const folder = await temporaryFolder();
    const { code, stdout, stderr } = await runCli(args, { cwd: folder });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\bat .*\.js:\d+/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('has help with an example for every command', async () => {
    const commands = [
      [],
      ['run'],
      ['collect'],
      ['evaluate'],
      ['results'],
      ['waive'],
      ['init'],
      ['doctor'],
      ['permissions'],
      ['demo'],
      ['controls'],
      ['controls', 'list'],
      ['controls', 'show'],
      ['controls', 'lint'],
      ['controls', 'test'],
      ['controls', 'schema'],
      ['collectors'],
      ['collectors', 'list'],
      ['collectors', 'show'],
    ];
    const helps = await Promise.all(commands.map((args) => runCli([...args, '--help'])));
    for (const { code, stdout, stderr } of helps) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('Examples:\n  tickmark ');
    }
  });
});

describe('a wrong configuration', () => {
  it('is told whole, each fault with its place', async () => {
    const folder = await folderWith({
      'tickmark.yaml': `organisation: Acme
period: { start: 2026-12-31, end: 2026-01-01 }
sources:
  - id: production
    use: awz
    with: { region: [us-east-1] }
  - id: production
    use: aws
    with: { regions: nowhere }
`,
    });
    const { code, stderr } = await runCli(['run'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/tickmark\.yaml:1:1 .*organi[sz]ation.*organization/);
    expect(stderr).toMatch(/tickmark\.yaml:2:\d+ period/);
    expect(stderr).toMatch(/tickmark\.yaml:7:\d+ sources\[1\]\.id/);
  });

  it("is told of a source that there is not, and of the source's own settings", async () => {
    const folder = await folderWith({
      'tickmark.yaml':
        config.replace('use: aws', 'use: awz') +
        '  - id: other\n    use: aws\n    with: { region: [us-east-1] }\n',
    });
    const { code, stderr } = await runCli(['run'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/tickmark\.yaml:5:\d+ sources\[0\]\.use: .*"awz".*aws/);
    expect(stderr).toMatch(/tickmark\.yaml:9:\d+ sources\[1\]\.with.*region.*regions/);
  });

  it.each([
    ['an empty file', ''],
    ['a list', '- a\n'],
    ['no YAML', 'a: [\n'],
    ['binary', '\u0000\u0001\u0002'],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
        .split('')
        .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefg'[index]}`).join(',')}]`)
        .join('\n')}\n`,
    ],
  ])('is refused for %s', async (_what, text) => {
    const folder = await folderWith({ 'tickmark.yaml': text });
    const { code, stderr } = await runCli(['run'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('tickmark.yaml');
    expect(stderr.split('\n').length).toBeLessThan(12);
  });
});

describe('init', () => {
  it('writes a configuration that loads, and leaves one that exists as it is', async () => {
    const folder = await temporaryFolder();
    const first = await runCli(['init', '--organization', 'Größe & Söhne: "AG"'], { cwd: folder });
    expect(first.code).toBe(0);
    const text = await readFile(join(folder, 'tickmark.yaml'), 'utf8');
    expect(await runCli(['permissions'], { cwd: folder })).toMatchObject({ code: 0 });
    const second = await runCli(['init'], { cwd: folder });
    expect(second).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
    expect(await readFile(join(folder, 'tickmark.yaml'), 'utf8')).toBe(text);
    expect(await runCli(['init', '--force'], { cwd: folder })).toMatchObject({ code: 0 });
  });
});

describe('permissions', () => {
  it('prints a policy in the grammar of IAM, with what the tests need and no more', async () => {
    const folder = await folderWith({ 'tickmark.yaml': config });
    const { code, stdout } = await runCli(['permissions'], { cwd: folder });
    expect(code).toBe(0);
    const { Version, Statement } = JSON.parse(stdout) as {
      Version: string;
      Statement: { Effect: string; Action: string[]; Resource: unknown }[];
    };
    expect(Version).toBe('2012-10-17');
    const actions = Statement.flatMap((each) => each.Action);
    expect(actions).toContain('s3:GetEncryptionConfiguration');
    // No enabled test reads bucket logging.
    expect(actions).not.toContain('s3:GetBucketLogging');
    for (const action of actions) {
      expect(action).toMatch(/^[a-z0-9-]+:(Get|List|Describe|GenerateCredentialReport)[A-Za-z]*$/);
    }
  });

  it('lets only the configured roles be assumed', async () => {
    const role = 'arn:aws:iam::123456789012:role/Evidence';
    const folder = await folderWith({
      'tickmark.yaml': config.replace(
        'regions: [us-east-1]',
        `regions: [us-east-1], accounts: [{ role: "${role}" }]`,
      ),
    });
    const { stdout } = await runCli(['permissions'], { cwd: folder });
    const { Statement } = JSON.parse(stdout) as {
      Statement: { Action: string[]; Resource: unknown }[];
    };
    expect(Statement.filter((each) => each.Action.includes('sts:AssumeRole'))).toMatchObject([
      { Resource: [role] },
    ]);
  });

  it('follows the categories in scope', async () => {
    const folder = await folderWith({
      'tickmark.yaml': `${config}categories: [confidentiality]\nparameters: { aws-key-age: { max_days: 60 } }\n`,
    });
    const { code, stdout } = await runCli(['permissions'], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toContain('s3:GetBucketPublicAccessBlock');
    expect(stdout).not.toContain('iam:');
  });

  it('refuses a scope in which nothing would be tested', async () => {
    const folder = await folderWith({ 'tickmark.yaml': `${config}categories: [privacy]\n` });
    const { code, stderr } = await runCli(['run'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/no control is of the categories in scope \(privacy\)/);
  });
});

describe('results', () => {
  it('says that there are none yet, and makes no store', async () => {
    const folder = await folderWith({ 'tickmark.yaml': config });
    const { code, stderr } = await runCli(['results'], { cwd: folder });
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('tickmark run'),
    });
  });
});

describe('a store that is not a folder', () => {
  it('is refused before anything is asked', async () => {
    const folder = await folderWith({ 'tickmark.yaml': `${config}store: gs://bucket\n` });
    const { code, stderr } = await runCli(['run'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('s3://');
  });
});

describe('controls and collectors', () => {
  it('lint finds nothing in the built-in controls, and their cases pass', async () => {
    const folder = await temporaryFolder();
    const lint = await runCli(['controls', 'lint', '--json'], { cwd: folder });
    expect({ code: lint.code, findings: JSON.parse(lint.stdout) }).toEqual({
      code: 0,
      findings: [],
    });
    const test = await runCli(['controls', 'test', '--json'], { cwd: folder });
    const cases = JSON.parse(test.stdout) as { ok: boolean; test: string }[];
    expect(test.code).toBe(0);
    expect(cases.filter(({ ok }) => !ok)).toEqual([]);
    expect(new Set(cases.map((each) => each.test)).size).toBe(43);
  });

  it('test fails for a case that does not come out as it says', async () => {
    const text = await readFile('controls/soc2/AC-02-multi-factor-authentication.yaml', 'utf8');
    const folder = await folderWith({
      'AC-02-mfa.yaml': text.replace('status: pass', 'status: fail'),
    });
    const { code, stdout } = await runCli(['controls', 'test', 'AC-02-mfa.yaml'], { cwd: folder });
    expect(code).toBe(2);
    expect(stdout).toMatch(/expected fail[\s\S]*came out pass/);
  });

  it('lint points at an expression with a caret', async () => {
    const text = await readFile('controls/soc2/AC-02-multi-factor-authentication.yaml', 'utf8');
    const folder = await folderWith({
      'AC-02-mfa.yaml': text.replace(/expect: .*/, 'expect: user.mfa_activ'),
    });
    const { code, stderr } = await runCli(['controls', 'lint', '.'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/AC-02-mfa\.yaml:\d+:\d+ tests\[0\]\.expect: .*mfa_activ/);
    expect(stderr).toMatch(/\n\s*\^/);
  });

  it('show answers by control, test, collector and dataset, and names what is near', async () => {
    const shown = await Promise.all([
      runCli(['controls', 'show', 'AC-02']),
      runCli(['controls', 'show', 'aws-iam-mfa']),
      runCli(['collectors', 'show', 'aws.iam']),
      runCli(['collectors', 'show', 'aws.iam.users', '--json']),
    ]);
    for (const { code } of shown) expect(code).toBe(0);
    expect(JSON.parse(shown[3]?.stdout ?? '')).toMatchObject({ name: 'aws.iam.users' });
    expect(await runCli(['controls', 'show', 'aws-iam-mfaa'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('aws-iam-mfa'),
    });
    expect(await runCli(['collectors', 'show', 'aws.iam.user'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('aws.iam.users'),
    });
  });

  it('schema prints JSON Schemas', async () => {
    for (const of of ['control', 'config', 'waivers']) {
      const { stdout } = await runCli(['controls', 'schema', '--of', of]);
      expect(JSON.parse(stdout)).toMatchObject({ type: 'object' });
    }
  });
});
