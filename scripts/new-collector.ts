/**
 * `npm run new:collector -- aws sns` writes a new collector that works: code, schema, README,
 * recorded cases and a test, and the registry anew. Then it says what to replace.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { awsCollector, type Files } from './collector-template.ts';
import { writeRegistry } from './registry.ts';

const templates: Record<string, (api: string) => Files> = { aws: awsCollector };

const usage = 'npm run new:collector -- <source> <api>, for example: aws sns';
const longestName = 30;

/** What is wrong with the arguments, in a sentence; undefined where nothing is. */
function faultOf(root: string, args: string[]): string | undefined {
  const [source, api, ...more] = args;
  if (source === undefined || api === undefined || more.length > 0) return usage;
  if (!Object.hasOwn(templates, source)) {
    return `there is no template for the source ${JSON.stringify(source)}; there is ${Object.keys(templates).join(', ')}`;
  }
  if (!/^[a-z][a-z0-9]*$/.test(api) || api.length > longestName || api === 'connect') {
    return `${JSON.stringify(api)} is no name for an API; take AWS's own prefix: lower-case letters and digits, a letter first, ${longestName} at most (sns, cloudtrail)`;
  }
  if (!existsSync(join(root, 'collectors', 'index.ts'))) {
    return `${root} holds no collectors/index.ts; run this in the root of the repository`;
  }
  const taken = Object.keys(templates[source]?.(api) ?? {})
    .concat(`collectors/${source}/${api}`, `fixtures/${source}/${api}`)
    .find((path) => existsSync(join(root, path)));
  return taken === undefined ? undefined : `${taken} is there already; nothing was written`;
}

function scaffold(root: string, source: string, api: string): void {
  const files = templates[source]?.(api) ?? {};
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  writeRegistry(join(root, 'collectors'));
  const written = [...Object.keys(files), 'collectors/index.ts'].map((path) => `  ${path}`);
  process.stdout.write(`Written:
${written.join('\n')}

It is a whole collector of an example (iam:ListServerCertificates). Next:
  1. Install the client package of the API: npm install @aws-sdk/client-${api}
     and add it to collectors/${source}/services.ts.
  2. Replace the example in index.ts and schema.ts; declare each call with its permission.
  3. Add a world for it to scripts/record-fixtures.ts and record its cases anew:
     npm run build && node dist/scripts/record-fixtures.js ${api}
     There must be a second page, a denial and an empty answer.
  4. Run npx vitest run test/collectors, then npm run check.
  5. Describe its datasets in its README.md and in docs/${source}.md.
`);
}

const args = process.argv.slice(2);
const fault = faultOf(process.cwd(), args);
if (fault === undefined) {
  const [source = '', api = ''] = args;
  scaffold(process.cwd(), source, api);
} else {
  process.stderr.write(`new:collector: ${fault}\n`);
  process.exitCode = 2;
}
