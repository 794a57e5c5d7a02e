import type { Json } from './json.ts';

/**
 * What a secret looks like, by the formats that issuers publish so that scanners can find them.
 * Identifiers (an access key id, an account id) are no secrets and stay: joins need them.
 */
const secretForms: { kind: string; form: RegExp }[] = [
  {
    kind: 'private key',
    form: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g,
  },
  {
    kind: 'GitHub token',
    // An installation's token may hold a JSON Web Token, with its dots and dashes.
    form: /\b(?:gh[pousr]_[A-Za-z0-9][A-Za-z0-9._-]{29,4000}|github_pat_[A-Za-z0-9_]{22,255})/g,
  },
  { kind: 'Slack token', form: /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g },
  {
    kind: 'JSON Web Token',
    form: /\beyJ[A-Za-z0-9_-]{10,300}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}/g,
  },
  {
    kind: 'AWS secret access key',
    form: /(?<=secret_?access_?key["'\\\s:=>]{1,7})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/gi,
  },
  {
    kind: 'password in a URL',
    form: /(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{1,100}:)[^\s/@]{1,200}(?=@)/gi,
  },
];

/** A piece of each form: nearly all texts have none of them, which is known at one look. */
const marks = /-----BEGIN |gh[pousr]_|github_pat_|xox[abeoprs]-|eyJ|secret_?access_?key|:\/\//i;

/** Masks what looks like a secret in a text; `found` gets the kind of each. */
export function maskText(text: string, found: Set<string>): string {
  if (!marks.test(text)) return text;
  let masked = text;
  for (const { kind, form } of secretForms) {
    masked = masked.replace(form, () => {
      found.add(kind);
      return `[masked: ${kind}]`;
    });
  }
  return masked;
}

function maskPair(key: string, value: string, found: Set<string>): string {
  const named = `${key}=`;
  const masked = maskText(named + value, found);
  return masked.startsWith(named) ? masked.slice(named.length) : maskText(value, found);
}

/** The same value with every text in it masked. Unchanged parts are shared, not copied. */
export function maskSecrets(value: Json, found: Set<string>): Json {
  if (typeof value === 'string') return maskText(value, found);
  if (Array.isArray(value)) return value.map((item) => maskSecrets(item, found));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        // A tag whose key says what its value is: neither alone looks like a secret.
        typeof item === 'string' ? maskPair(key, item, found) : maskSecrets(item, found),
      ]),
    );
  }
  return value;
}
