import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import type { Plugin } from '../plugin.ts';
import * as face from '../plugin.ts';

/** The outline of a plugin; what it declares is checked by the registry. */
const outline = z.looseObject({
  sources: z
    .array(
      z.looseObject({
        id: z.string(),
        provider: z.enum(['aws', 'http']),
        connect: z.function(),
        calls: z.record(z.string(), z.string()),
      }),
    )
    .optional(),
  collectors: z
    .array(
      z.looseObject({
        id: z.string(),
        datasets: z.array(
          z.looseObject({
            name: z.string(),
            level: z.string(),
            calls: z.record(z.string(), z.string()),
            fields: z.instanceof(z.ZodObject),
            collect: z.function(),
          }),
        ),
      }),
    )
    .optional(),
});

/**
 * Loads an entry of `plugins:`: a file (`./okta.js`, from the configuration's folder) or a
 * package that is installed beside it.
 * @throws TickmarkError InvalidPlugin
 */
export async function loadPlugin(reference: string, directory: string): Promise<Plugin> {
  const file = /^\.{0,2}\//.test(reference)
    ? resolve(directory, reference)
    : resolvePackage(reference, directory);
  const module = await import(pathToFileURL(file).href).catch((cause: unknown) => {
    throw new TickmarkError(
      'InvalidPlugin',
      `plugin ${reference} cannot be loaded: ${messageOf(cause)}`,
      { cause },
    );
  });
  let exported: unknown;
  try {
    // A file beside tickmark.yaml need not have Tickmark installed: it may be a function of its face.
    exported = typeof module.default === 'function' ? module.default(face) : module.default;
  } catch (cause) {
    throw new TickmarkError('InvalidPlugin', `plugin ${reference} failed: ${messageOf(cause)}`, {
      cause,
    });
  }
  const parsed = outline.safeParse(exported);
  if (!parsed.success) {
    throw new TickmarkError(
      'InvalidPlugin',
      `plugin ${reference} has no default export with sources and collectors:\n${z.prettifyError(parsed.error)}`,
    );
  }
  return exported as Plugin;
}

function resolvePackage(name: string, directory: string): string {
  try {
    return createRequire(join(directory, 'tickmark.yaml')).resolve(name);
  } catch (cause) {
    throw new TickmarkError(
      'InvalidPlugin',
      `plugin ${name} is not installed beside tickmark.yaml; npm install ${name}`,
      { cause },
    );
  }
}
