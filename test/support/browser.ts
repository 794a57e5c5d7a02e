/** The Chromium of this machine, for what only a browser can show. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Of the environment's CHROMIUM, or found in the PATH; undefined where there is none. */
export const chromiumPath =
  process.env.CHROMIUM ??
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isProgram);

/** @throws Error where there is no Chromium. */
export async function openBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('there is no Chromium');
  // Its sandbox does not work for root, as who CI runs; what is opened is ours.
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
