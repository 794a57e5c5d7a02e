/** The kinds of alerts: where GitHub lists them, and what is read of one. */
import { timestamp, z } from '../../../src/plugin.ts';
import type { closedAlert } from './schema.ts';

/** How an alert was closed; `at` is null where GitHub does not say. */
type Closing = Pick<z.input<typeof closedAlert>, 'how' | 'reason' | 'closed_by'> & {
  at: string | null | undefined;
};

/** What an answer says of an alert of any kind. */
export interface AnyAlert {
  number: number;
  created_at: string;
  updated_at?: string | null | undefined;
  repository: { node_id: string; full_name: string };
}

export interface AlertKind<Answer extends AnyAlert> {
  kind: z.input<typeof closedAlert>['kind'];
  /** As it stands in names: `acme/api#code-scanning-3`. */
  slug: string;
  title: string;
  route: string;
  permission: string;
  /** Queries that together list every open one, and every closed one. */
  open: Record<string, string>[];
  closed: Record<string, string>[];
  answer: z.ZodType<Answer>;
  about(alert: Answer): { severity: string | null; summary: string };
  /** The fields that only this kind has. */
  own(alert: Answer): Record<string, string | boolean>;
  closing(alert: Answer): Closing;
}

const account = z.object({ login: z.string() }).nullish();
const time = timestamp().nullish();

const anyAlert = {
  number: z.int(),
  created_at: timestamp(),
  updated_at: time,
  repository: z.object({ node_id: z.string().min(1), full_name: z.string().min(1) }),
};

const dismissal = {
  fixed_at: time,
  dismissed_at: time,
  dismissed_by: account,
  dismissed_reason: z.string().nullish(),
};

const severity = z.enum(['low', 'medium', 'high', 'critical']);

const dependabotAnswer = z.object({
  ...anyAlert,
  ...dismissal,
  auto_dismissed_at: time,
  state: z.enum(['open', 'fixed', 'dismissed', 'auto_dismissed']),
  security_advisory: z.object({ ghsa_id: z.string(), summary: z.string() }),
  security_vulnerability: z.object({
    severity,
    package: z.object({ ecosystem: z.string(), name: z.string() }),
    first_patched_version: z.object({ identifier: z.string() }).nullable(),
  }),
});

const codeScanningAnswer = z.object({
  ...anyAlert,
  ...dismissal,
  state: z.enum(['open', 'fixed', 'dismissed']),
  rule: z.object({
    id: z.string().min(1),
    description: z.string().nullish(),
    security_severity_level: severity.nullish(),
  }),
  tool: z.object({ name: z.string() }),
});

const secretScanningAnswer = z.object({
  ...anyAlert,
  state: z.enum(['open', 'resolved']),
  secret_type: z.string(),
  secret_type_display_name: z.string().nullish(),
  push_protection_bypassed: z.boolean().nullish(),
  resolved_at: time,
  resolved_by: account,
  resolution: z.string().nullish(),
});

function dismissedOrFixed(
  alert: Omit<z.output<typeof dependabotAnswer>, 'security_advisory' | 'security_vulnerability'>,
): Closing {
  if (alert.state === 'dismissed') {
    return {
      at: alert.dismissed_at,
      how: alert.state,
      reason: alert.dismissed_reason ?? null,
      closed_by: alert.dismissed_by?.login ?? null,
    };
  }
  const at = alert.state === 'fixed' ? alert.fixed_at : alert.auto_dismissed_at;
  return { at, how: alert.state, reason: null, closed_by: null };
}

const newestChange = { sort: 'updated', direction: 'desc' };

export const dependabot = {
  kind: 'dependabot',
  slug: 'dependabot',
  title: 'Dependabot alerts',
  route: 'GET /orgs/{org}/dependabot/alerts',
  permission: 'vulnerability_alerts:read',
  open: [{ state: 'open' }],
  closed: [{ state: 'fixed,dismissed,auto_dismissed', ...newestChange }],
  answer: dependabotAnswer,
  about: ({ security_advisory, security_vulnerability }) => ({
    severity: security_vulnerability.severity,
    summary: security_advisory.summary,
  }),
  own: ({ security_advisory, security_vulnerability: { package: at, first_patched_version } }) => ({
    dependency: `${at.ecosystem} ${at.name}`,
    advisory: security_advisory.ghsa_id,
    fix_available: first_patched_version !== null,
  }),
  closing: dismissedOrFixed,
} satisfies AlertKind<z.output<typeof dependabotAnswer>>;

export const codeScanning = {
  kind: 'code_scanning',
  slug: 'code-scanning',
  title: 'code scanning alerts',
  route: 'GET /orgs/{org}/code-scanning/alerts',
  permission: 'security_events:read',
  open: [{ state: 'open' }],
  closed: [{ state: 'closed', ...newestChange }],
  answer: codeScanningAnswer,
  about: ({ rule }) => ({
    severity: rule.security_severity_level ?? null,
    summary: rule.description || rule.id,
  }),
  own: ({ rule, tool }) => ({ rule: rule.id, tool: tool.name }),
  closing: dismissedOrFixed,
} satisfies AlertKind<z.output<typeof codeScanningAnswer>>;

/**
 * GitHub lists these only where they are asked for by name (docs.github.com, "Supported secret
 * scanning patterns": generic and AI-detected ones; its REST reference, `secret_type`).
 */
const genericSecrets = [
  'ec_private_key',
  'generic_private_key',
  'http_basic_authentication_header',
  'http_bearer_authentication_header',
  'mongodb_connection_string',
  'mysql_connection_string',
  'mysql_connection_url',
  'openssh_private_key',
  'password',
  'pgp_private_key',
  'postgres_connection_string',
  'rsa_private_key',
].join(',');

// An empty cursor asks for pages by cursor; a page by number shifts while alerts come and go.
const withoutSecrets = { hide_secret: 'true', after: '' };

const secretQueries = (query: Record<string, string>) => [
  { ...query, ...withoutSecrets },
  { ...query, ...withoutSecrets, secret_type: genericSecrets },
];

export const secretScanning = {
  kind: 'secret_scanning',
  slug: 'secret-scanning',
  title: 'secret scanning alerts',
  route: 'GET /orgs/{org}/secret-scanning/alerts',
  permission: 'secret_scanning_alerts:read',
  open: secretQueries({ state: 'open' }),
  closed: secretQueries({ state: 'resolved', ...newestChange }),
  answer: secretScanningAnswer,
  about: ({ secret_type, secret_type_display_name }) => ({
    severity: null,
    summary: secret_type_display_name || secret_type,
  }),
  own: ({ secret_type, push_protection_bypassed }) => ({
    secret_type,
    push_protection_bypassed: push_protection_bypassed === true,
  }),
  closing: ({ state, resolved_at, resolved_by, resolution }) => ({
    at: resolved_at,
    how: state,
    reason: resolution ?? null,
    closed_by: resolved_by?.login ?? null,
  }),
} satisfies AlertKind<z.output<typeof secretScanningAnswer>>;
