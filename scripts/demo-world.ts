/** The world of the demo: Acme's, without what cannot be judged: the demo shows a complete night. */
import { acme } from '../test/support/acme-world.ts';
import type { AwsWorld } from '../test/support/aws-world.ts';

/** Buckets whose key cannot be told: by an alias, or of an account that is not asked. */
export const bucketsNotInDemo = ['acme-alias', 'acme-foreign'];

export const demoWorld: AwsWorld = {
  ...acme,
  buckets: (acme.buckets ?? []).filter(({ name }) => !bucketsNotInDemo.includes(name)),
};
