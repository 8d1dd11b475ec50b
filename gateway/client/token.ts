/**
 * Access tokens for an account: asked for with a signed assertion (RFC 7523, private_key_jwt), renewed in time.
 *
 * Guarantee: the private key never leaves this process; each assertion is used once, lives for a minute and
 * names the issuer as its only audience, so that no other server can use it.
 * Not covered: storage. A token is kept in memory only.
 */
import { randomUUID } from 'node:crypto';
import type { SigningKey } from '#crypto/ed25519-key.ts';
import { signCompact } from '#crypto/signing.ts';
import { UnreachableError, problemOf } from './problem.ts';

const ASSERTION_SECONDS = 60;
/** A token is renewed this long before it ends, so that it does not end on its way. */
const RENEW_BEFORE_MS = 30_000;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export interface Credentials {
  /** The account's id, which is the client id. */
  readonly account: string;
  readonly key: SigningKey;
  /** What the server calls itself. */
  readonly issuer: string;
  /** Where tokens are given. */
  readonly tokenUrl: string;
}

export interface AccessToken {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

/** Gives tokens of one account. */
export class TokenSource {
  readonly #credentials: Credentials;
  readonly #fetch: typeof fetch;
  #pending: Promise<AccessToken> | null = null;

  constructor(credentials: Credentials, fetcher: typeof fetch) {
    this.#credentials = credentials;
    this.#fetch = fetcher;
  }

  /** A token that is good for another half minute. ProblemError, UnreachableError. */
  async token(): Promise<AccessToken> {
    const held = await (this.#pending ?? this.#renew());
    return held.endsAt - Date.now() > RENEW_BEFORE_MS ? held : this.#renew();
  }

  /** Forgets the token: the server did not take it. */
  forget(): void {
    this.#pending = null;
  }

  #renew(): Promise<AccessToken> {
    const asked = askForToken(this.#credentials, this.#fetch);
    this.#pending = asked;
    // A failed attempt must not be what every later call gets.
    asked.catch(() => {
      if (this.#pending === asked) this.#pending = null;
    });
    return asked;
  }
}

async function askForToken(credentials: Credentials, fetcher: typeof fetch): Promise<AccessToken> {
  const askedAt = Date.now();
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: credentials.account,
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: await assertionOf(credentials, askedAt),
  });
  const response = await send(credentials.tokenUrl, body, fetcher);
  if (!response.ok) throw await problemOf(response);
  const { access_token: text, expires_in: seconds } = (await response.json()) as Record<string, unknown>;
  if (typeof text !== 'string' || typeof seconds !== 'number')
    throw new UnreachableError(credentials.tokenUrl);
  return { text, endsAt: askedAt + seconds * 1000 };
}

async function send(url: string, body: URLSearchParams, fetcher: typeof fetch): Promise<Response> {
  try {
    return await fetcher(url, { method: 'POST', body, redirect: 'error' });
  } catch (cause) {
    throw new UnreachableError(url, { cause });
  }
}

function assertionOf({ account, key, issuer }: Credentials, nowMs: number): Promise<string> {
  const now = Math.floor(nowMs / 1000);
  const claims = {
    iss: account,
    sub: account,
    aud: issuer,
    jti: randomUUID(),
    iat: now,
    exp: now + ASSERTION_SECONDS,
  };
  return signCompact(claims, key, { typ: 'JWT' });
}
