/** Who Git says wrote or committed something. */
import { z } from '../../../src/plugin.ts';
import { listOf, listText, moreOf, nextPage } from './nested.ts';

/** With the account that GitHub has for the mail address, if it has one. */
export const gitActor = z.object({
  name: z.string().nullable(),
  email: z.string().nullable(),
  user: z.object({ login: z.string() }).nullable(),
});
export type GitActor = z.output<typeof gitActor>;
export const gitActorText = 'name email user { login }';

/** Author and co-authors of a commit. */
export const authors = listOf(gitActor);
export const authorsText = listText(gitActorText);
export const authorsOfCommit = 'authors of a commit';

export const moreAuthorsQuery = moreOf(
  'MoreAuthors',
  'Commit',
  `authors(${nextPage}) ${authorsText}`,
  authors,
);
