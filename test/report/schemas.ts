/** Schemas that others publish, in a folder beside the checkout that need not be there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../docs/pages.ts';

export interface PublishedSchema {
  file: string;
  available: boolean;
  /** For the name of what is skipped without it. */
  missing: string;
  read(): Record<string, unknown>;
}

export function publishedSchema(name: string): PublishedSchema {
  const file = join(root, '../shared/schemas', name);
  const available = existsSync(file);
  return {
    file,
    available,
    missing: available ? '' : ` (skipped: there is no ../shared/schemas/${name})`,
    read: () => JSON.parse(readFileSync(file, 'utf8')),
  };
}
