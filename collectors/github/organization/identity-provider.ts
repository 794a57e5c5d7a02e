/** The organisation's identity provider (SAML), of which GitHub tells few. */
import { type Answer, z } from '../../../src/plugin.ts';
import { hiddenFrom, membersRightCalls } from '../people/members-right.ts';
import type { GitHubScope } from '../scope.ts';
import { refusal } from '../values.ts';

export const identityProviderQuery = {
  name: 'IdentityProvider',
  text: `query IdentityProvider($organization: String!) {
  organization(login: $organization) { samlIdentityProvider { id ssoUrl issuer } }
}`,
  answer: z.object({
    organization: z.object({
      samlIdentityProvider: z
        .object({ id: z.string(), ssoUrl: z.string().nullable(), issuer: z.string().nullable() })
        .nullable(),
    }),
  }),
};
type Provider = z.output<
  typeof identityProviderQuery.answer
>['organization']['samlIdentityProvider'];

/** Calls of every dataset that asks for the identity provider. */
export const identityProviderCalls = {
  'graphql:IdentityProvider': 'members:read',
  ...membersRightCalls,
};

/** The provider, or null; GitHub's null says that there is none to those only who may see one. */
export async function identityProvider(
  github: GitHubScope,
): Promise<{ provider: Provider; answer: Answer } | { untold: string }> {
  const { organization } = github;
  try {
    const answer = await github.query(identityProviderQuery, { organization });
    const provider = answer.data.organization.samlIdentityProvider;
    const hidden = provider === null ? await hiddenFrom(github) : undefined;
    return hidden === undefined ? { provider, answer } : { untold: hidden };
  } catch (thrown) {
    return { untold: refusal(thrown) };
  }
}
