import { numberOf } from './github-ids.ts';
import type { Handle, WorldAccount } from './github-world.ts';

/** Who a handle is, without an entry in `accounts`. */
export function accountOf(handle: Handle): WorldAccount {
  const bot = handle.endsWith('[bot]');
  const databaseId = numberOf(`account ${handle}`);
  return {
    login: handle,
    databaseId,
    kind: bot ? 'Bot' : 'User',
    name: bot ? null : handle.charAt(0).toUpperCase() + handle.slice(1),
    emails: [bot ? `${databaseId}+${handle}@users.noreply.github.com` : `${handle}@example.com`],
  };
}
