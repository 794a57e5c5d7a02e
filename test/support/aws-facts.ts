/**
 * What a stand-in is told about an account because no API could make it so: the root user, the
 * age and use of credentials, the boundary of a user (moto has none for users).
 */

/** An access key's past. */
export interface KeyFacts {
  /** Default true. */
  active?: boolean;
  /** Left out: made when moto says. */
  createdDaysAgo?: number;
  /** Left out: never used. */
  lastUsedDaysAgo?: number;
}

/** The root user. */
export interface RootFacts {
  /** Default `none`. */
  mfa?: 'none' | 'virtual' | 'hardware';
  /** Whether the account summary says that root has a password; `untold`: it says nothing. */
  password?: boolean | 'untold';
  passwordLastUsedDaysAgo?: number;
  keys?: KeyFacts[];
  createdDaysAgo?: number;
}

/** An IAM user's past; what is left out stays as moto says (made just now, never used). */
export interface UserFacts {
  createdDaysAgo?: number;
  passwordChangedDaysAgo?: number;
  passwordLastUsedDaysAgo?: number;
  /** In the order in which the keys were made. */
  keys?: KeyFacts[];
  /** ARN of the permissions boundary. */
  boundary?: string;
}

/** An account as its stand-in should describe it. */
export interface AccountFacts {
  root?: RootFacts;
  /** By user name. */
  users?: Record<string, UserFacts>;
  /** How old the credential report is, 0 to 4 hours in AWS; default 0. */
  reportAgeHours?: number;
}

const day = 24 * 60 * 60 * 1000;

/** The moment that many days before `now`. */
export function daysBefore(now: Date, days: number): Date {
  // A whole number of milliseconds: a fraction less would be a second less as AWS writes it.
  return new Date(Math.round(now.getTime() - days * day));
}

/** To the second and with `Z`, as AWS writes it in XML. */
export function xmlTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
