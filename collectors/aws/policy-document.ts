/**
 * IAM and resource policy documents, normalised so that a test can ask about a statement without
 * knowing how it was written. Nothing here judges.
 * Source: IAM User Guide, "Grammar of the IAM JSON policy language".
 */
import { CollectError, z } from '../../src/plugin.ts';

/** The document does not follow the grammar: nothing can be said of what it allows. */
export class PolicyDocumentError extends CollectError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('UnreadableResponse', `the policy document ${message}`, options);
    this.name = 'PolicyDocumentError';
  }
}

const principals = z.object({
  everyone: z
    .boolean()
    .describe(
      'Names `*`. Also true for an Allow with NotPrincipal, which admits all but the named; a Deny with NotPrincipal spares the named, so there it is false',
    ),
  aws: z.array(z.string()).describe('AWS principals as written, `*` left out'),
  accounts: z
    .array(z.string())
    .describe(
      'Account ids of the AWS principals. A principal that names no account (the id that remains of a deleted one) stands as written',
    ),
  service: z.array(z.string()).describe('AWS services: `ec2.amazonaws.com`'),
  federated: z
    .array(z.string())
    .describe('Identity providers: an ARN, or a public provider’s name'),
  canonical: z.array(z.string()).describe('S3 canonical user ids'),
});

const condition = z.object({
  operator: z.string().describe('In AWS’s own spelling: `StringEquals`, `ForAnyValue:StringLike`'),
  key: z
    .string()
    .describe('In lower case, since AWS ignores the case of keys: `aws:securetransport`'),
  values: z.array(z.string()).describe('Numbers and booleans as text'),
});

/** One statement of an identity policy. */
export const identityStatement = z.object({
  sid: z.string().describe('Empty where there is none'),
  effect: z.enum(['Allow', 'Deny']).describe('What the statement does'),
  actions: z.array(z.string()).describe('As written'),
  not_actions: z.array(z.string()).describe('NotAction: every action but these'),
  resources: z.array(z.string()).describe('As written'),
  not_resources: z.array(z.string()).describe('NotResource: every resource but these'),
  all_actions: z
    .boolean()
    .describe('One of `actions` matches every action: `*`, `*:*`, `**`. Never of NotAction'),
  all_resources: z
    .boolean()
    .describe(
      'One of `resources` matches every resource: `*`, `arn:aws:*`, `arn:*:*:*:*:*`. Never of NotResource',
    ),
  conditions: z.array(condition).describe('All must hold for the statement to apply'),
});

/** One statement of a resource or trust policy. */
export const resourceStatement = identityStatement.extend({
  principals: principals.describe('Whom the statement is about'),
});

export type IdentityStatement = z.infer<typeof identityStatement>;
export type ResourceStatement = z.infer<typeof resourceStatement>;

// --- The grammar -------------------------------------------------------------------------

/** The grammar lets one value stand without its brackets. */
function oneOrMany<T>(one: z.ZodType<T>) {
  return z.union([one.transform((value) => [value]), z.array(one)]);
}

const texts = oneOrMany(z.string()).transform(unique);
const conditionValues = oneOrMany(z.union([z.string(), z.number(), z.boolean()])).transform(
  (values) => values.map(String),
);
const principalElement = z.union([
  z.literal('*').transform(() => ({ AWS: ['*'] })),
  z.strictObject({
    AWS: texts.optional(),
    Service: texts.optional(),
    Federated: texts.optional(),
    CanonicalUser: texts.optional(),
  }),
]);

// Strict: an element that is not known could narrow or widen what the statement says.
const statementElement = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(['Allow', 'Deny']),
    Principal: principalElement.optional(),
    NotPrincipal: principalElement.optional(),
    Action: texts.optional(),
    NotAction: texts.optional(),
    Resource: texts.optional(),
    NotResource: texts.optional(),
    Condition: z.record(z.string(), z.record(z.string(), conditionValues)).optional(),
  })
  .refine((s) => (s.Action === undefined) !== (s.NotAction === undefined), {
    message: 'needs either Action or NotAction',
  })
  .refine((s) => s.Resource === undefined || s.NotResource === undefined, {
    message: 'has both Resource and NotResource',
  })
  .refine((s) => s.Principal === undefined || s.NotPrincipal === undefined, {
    message: 'has both Principal and NotPrincipal',
  });

const documentElement = z.strictObject({
  Version: z.string().optional(),
  Id: z.string().optional(),
  Statement: oneOrMany(statementElement),
});

type StatementElement = z.output<typeof statementElement>;
type PrincipalElement = z.output<typeof principalElement>;

// --- Reading -----------------------------------------------------------------------------

/**
 * Reads a policy document as S3 and KMS give it: JSON text.
 * @throws PolicyDocumentError
 */
export function parsePolicyDocument(text: string): ResourceStatement[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new PolicyDocumentError('is not JSON', { cause });
  }
  const parsed = documentElement.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new PolicyDocumentError(
      `does not follow the policy grammar at ${issue?.path.join('.') || 'its root'}: ${issue?.message}`,
    );
  }
  return parsed.data.Statement.map(normalise);
}

/**
 * Reads a policy document as IAM gives it: JSON, percent-encoded after RFC 3986.
 * @throws PolicyDocumentError
 */
export function decodePolicyDocument(encoded: string): ResourceStatement[] {
  let text: string;
  try {
    text = decodeURIComponent(encoded);
  } catch (cause) {
    throw new PolicyDocumentError('is not percent-encoded text', { cause });
  }
  return parsePolicyDocument(text);
}

/** A statement of an identity policy names no principal: it is about whoever the policy is on. */
export function withoutPrincipals({
  principals: _principals,
  ...statement
}: ResourceStatement): IdentityStatement {
  return statement;
}

function normalise(statement: StatementElement): ResourceStatement {
  const actions = statement.Action ?? [];
  const resources = statement.Resource ?? [];
  return {
    sid: statement.Sid ?? '',
    effect: statement.Effect,
    principals: normalisePrincipals(statement),
    actions,
    not_actions: statement.NotAction ?? [],
    resources,
    not_resources: statement.NotResource ?? [],
    all_actions: actions.some(matchesEveryAction),
    all_resources: resources.some(matchesEveryResource),
    conditions: Object.entries(statement.Condition ?? {}).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => ({
        operator: spellOperator(operator),
        key: key.toLowerCase(),
        values,
      })),
    ),
  };
}

function normalisePrincipals(statement: StatementElement): ResourceStatement['principals'] {
  if (statement.NotPrincipal !== undefined) {
    return { ...listPrincipals({}), everyone: statement.Effect === 'Allow' };
  }
  return listPrincipals(statement.Principal ?? {});
}

function listPrincipals(element: PrincipalElement): ResourceStatement['principals'] {
  const {
    AWS = [],
    Service = [],
    Federated = [],
    CanonicalUser = [],
  } = element as Partial<Record<'AWS' | 'Service' | 'Federated' | 'CanonicalUser', string[]>>;
  const aws = AWS.filter((principal) => principal !== '*');
  return {
    everyone: AWS.includes('*'),
    aws,
    accounts: unique(aws.map(accountOf)),
    service: Service,
    federated: Federated,
    canonical: CanonicalUser,
  };
}

function accountOf(principal: string): string {
  if (/^\d{12}$/.test(principal)) return principal;
  return /^arn:[a-z-]+:(?:iam|sts)::(\d{12}):/.exec(principal)?.[1] ?? principal;
}

/**
 * An action is `service:Name`. A pattern matches every one of them when nothing in it is a letter
 * and it asks for no more than one character on each side of the colon.
 */
function matchesEveryAction(pattern: string): boolean {
  const sides = pattern.split(':');
  const open = (side: string) => /^\*+\??\**$|^\?\*+$/.test(side);
  return sides.length <= 2 && sides.every(open);
}

/**
 * `*`, or an ARN pattern whose parts are all open: an ARN has six parts, so a pattern of more
 * colons matches not all, and one of fewer ends in a star that takes the rest.
 */
function matchesEveryResource(pattern: string): boolean {
  const [first = '', partition, ...rest] = pattern.split(':');
  const open = (part: string) => /^\*+$/.test(part);
  if (partition === undefined) return open(first);
  if (first !== 'arn' && !open(first)) return false;
  if (rest.length === 0) return open(partition);
  return (
    rest.length <= 4 && rest.every(open) && (open(partition) || /^aws[a-z-]*$/.test(partition))
  );
}

/** IAM User Guide, "IAM JSON policy elements: Condition operators". */
const operators = new Map(
  [
    'StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike',
    'NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan NumericGreaterThanEquals',
    'DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals',
    'Bool BinaryEquals IpAddress NotIpAddress ArnEquals ArnLike ArnNotEquals ArnNotLike Null',
    'IfExists ForAnyValue ForAllValues',
  ]
    .join(' ')
    .split(' ')
    .map((name) => [name.toLowerCase(), name]),
);

/** The documented spelling, whatever case the document uses; an unknown operator stays as it is. */
function spellOperator(written: string): string {
  const parts = /^(?:(forallvalues|foranyvalue):)?(.*?)(ifexists)?$/is.exec(written);
  if (parts === null) return written;
  const [, qualifier, operator = '', suffix] = parts;
  const spell = (part: string) => operators.get(part.toLowerCase()) ?? part;
  return `${qualifier === undefined ? '' : `${spell(qualifier)}:`}${spell(operator)}${suffix === undefined ? '' : spell(suffix)}`;
}

function unique(list: string[]): string[] {
  return [...new Set(list)];
}
