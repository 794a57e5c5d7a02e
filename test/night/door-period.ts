/** Ten days at the door, sealed night by night, of which it is written down here what happened. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPair } from '../../src/seal/signature.ts';
import { newDoorProject, nightOn, openDoorProject, signedBy, startDoor } from './door-project.ts';

/** Names that want to be run by a spreadsheet, and to be written elsewhere. */
export const hostile = { formula: '=HYPERLINK("http://a.example","b")', path: '../../etc/passwd' };

const { formula, path } = hostile;

/** The badges of each night, by whether they are blocked, which is a deviation. No run on the 4th. */
export const badges: Record<string, Record<string, boolean>> = {
  '2026-01-01': { ada: false, bob: true, [formula]: false },
  '2026-01-02': { ada: false, bob: true, [formula]: false },
  '2026-01-03': { ada: false, bob: true, [formula]: false, carol: true },
  '2026-01-05': { ada: false, bob: false, [formula]: false, carol: true },
  '2026-01-06': { ada: false, bob: true, [formula]: false },
  '2026-01-07': { ada: false, bob: true, [path]: false },
  '2026-01-08': { ada: false, bob: true, [path]: false },
  '2026-01-09': { ada: false, bob: true, [path]: false },
  '2026-01-10': { ada: false, bob: true, [path]: false },
  '2026-01-11': { ada: false, bob: true, [path]: false },
};

/** On this night the server counted one badge more than it told of. */
const miscounted = '2026-01-08';

/**
 * Seals them in a new folder, signed, on a simulated clock. The door counts its badges a second time.
 * @returns the folder, with the configuration and the store.
 */
export async function sealPeriod(): Promise<string> {
  const door = await startDoor();
  try {
    const cwd = await newDoorProject(door, {
      period: { start: '2026-01-01', end: '2026-01-10' },
      signing: { key: './key.pem' },
    });
    const { privateKey } = generateKeyPair();
    await writeFile(join(cwd, 'key.pem'), privateKey, { mode: 0o600 });
    const plugin = join(cwd, 'door.js');
    const text = await readFile(plugin, 'utf8');
    const asked = "const answer = await door.get('GET /badges', {});";
    if (!text.includes(asked)) throw new Error('the plugin asks otherwise');
    const counted = `const more = door.now().toISOString().startsWith('${miscounted}') ? 1 : 0;
            door.tieOut({ by: 'GET /count', expected: answer.body.length + more, found: answer.body.length });`;
    await writeFile(plugin, text.replace(asked, `${asked}\n            ${counted}`));
    const project = await openDoorProject(cwd);
    for (const [day, all] of Object.entries(badges)) {
      door.badges = Object.entries(all).map(([id, blocked]) => ({ id, blocked }));
      const { backend } = project.store;
      await nightOn(project, backend, `${day}T02:00:00Z`, signedBy(privateKey));
    }
    return cwd;
  } finally {
    await door.close();
  }
}
