/** Accounts of GitHub, in the schemas of its datasets. */
import { personal, z } from '../../src/plugin.ts';

/** GitHub's own accounts, and bots under the name that the REST API gives them, are nobody in particular. */
const aPerson = {
  part: /^(?!(?:ghost|web-flow|dependabot|github-actions)$|.*\[bot\]$)(.+)$/,
};

/** The login of an account, or a mail address where there is none. */
export const login = () => personal(z.string(), aPerson);

export const logins = () => personal(z.array(z.string()), aPerson);
