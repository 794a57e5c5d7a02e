/** Writes collectors/index.ts from the folders, so that nobody has to keep a list. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of collectors/index.ts for the folders below `collectors`. */
export function registryText(collectors: string): string {
  const folders = (folder: string) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  const sources = folders(collectors);
  const apis = sources.flatMap((source) =>
    folders(join(collectors, source)).map((api) => ({ source, api, name: variable(source, api) })),
  );
  const imports = [
    ...sources.map((source) => `import ${source} from './${source}/index.ts';`),
    ...apis.map(({ source, api, name }) => `import ${name} from './${source}/${api}/index.ts';`),
  ].sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
  return `/** Written by \`npm run new:collector\`; a test holds it equal to the folders. */
import type { Plugin } from '../src/plugin.ts';
${imports.join('\n')}

/** The sources and collectors that come with Tickmark. */
export const builtin: Plugin = {
  ${list('sources', sources)}
  ${list(
    'collectors',
    apis.map(({ name }) => name),
  )}
};
`;
}

/** A property as the formatter writes it: on one line, or an item a line where it is too long. */
function list(property: string, items: string[]): string {
  const line = `${property}: [${items.join(', ')}],`;
  if (line.length + 2 <= 100) return line;
  return `${property}: [\n${items.map((item) => `    ${item},\n`).join('')}  ],`;
}

export function writeRegistry(collectors: string): void {
  writeFileSync(join(collectors, 'index.ts'), registryText(collectors));
}

function variable(source: string, api: string): string {
  const camel = api.replace(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase());
  return `${source}${camel.charAt(0).toUpperCase()}${camel.slice(1)}`;
}

function pathOf(line: string): string {
  return /'([^']+)'/.exec(line)?.[1] ?? '';
}
