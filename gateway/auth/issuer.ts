/**
 * The embedded issuer: client credentials (RFC 6749 §4.4) with a signed assertion (RFC 7523) for a short access token.
 *
 * Guarantee: a token is given only to an account that is not revoked, for an assertion that its registered key signed,
 * that names it as issuer and subject and this issuer as audience, that lives at most five minutes, and that was never
 * used before. There are no shared secrets, no refresh tokens and no redirects.
 * Not covered: sender binding of the token (RFC 9449); whoever has it may use it for its five minutes.
 */
import { randomUUID } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import type { Shell } from '../services/shell.ts';
import { type AccountWithOrganisation, findAccount, useAssertion } from '../storage/parties.ts';
import { ASSERTION_ALGORITHMS, clientJwk, type ClientJwk, thumbprint, verifyingKey } from './client-key.ts';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
export const TOKEN_PATH = '/oauth/token';
const TOKEN_SECONDS = 300;
/** `typ` of RFC 9068 §2.1: an identity token or an assertion can never pass as an access token. */
export const TOKEN_TYPE = 'at+jwt';
export const SKEW_SECONDS = 30;
const ASSERTION_SECONDS_MAX = 300;

/** The errors of RFC 6749 §5.2. */
export type OAuthError = 'invalid_request' | 'invalid_client' | 'unsupported_grant_type';

export class OAuthFault extends Error {
  readonly error: OAuthError;

  constructor(error: OAuthError) {
    super(error);
    this.name = 'OAuthFault';
    this.error = error;
  }
}

export interface TokenRequest {
  readonly grant_type?: string | undefined;
  readonly client_assertion_type?: string | undefined;
  readonly client_assertion?: string | undefined;
  readonly client_id?: string | undefined;
}

export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
}

/** Gives a token. OAuthFault, which never says which of the conditions of an assertion failed. */
export async function issueToken(shell: Shell, request: TokenRequest): Promise<TokenAnswer> {
  const { client_assertion: assertion } = request;
  if (request.grant_type === undefined || assertion === undefined) throw new OAuthFault('invalid_request');
  if (request.grant_type !== 'client_credentials') throw new OAuthFault('unsupported_grant_type');
  if (request.client_assertion_type !== ASSERTION_TYPE) throw new OAuthFault('invalid_request');
  const account = await authenticateClient(shell, assertion);
  if (request.client_id !== undefined && request.client_id !== account.id)
    throw new OAuthFault('invalid_client');
  return {
    access_token: await signAccessToken(shell, account),
    token_type: 'Bearer',
    expires_in: TOKEN_SECONDS,
  };
}

async function authenticateClient(shell: Shell, assertion: string): Promise<AccountWithOrganisation> {
  try {
    const account = await findAccount(shell.db, decodeJwt(assertion).iss ?? '');
    if (account === null || account.revoked) throw new OAuthFault('invalid_client');
    const { jti, exp } = await verifyAssertion(shell, assertion, account);
    const expiresAt = new Date((exp + 2 * SKEW_SECONDS) * 1_000);
    // Last, so that a forged assertion cannot use up the name of a true one.
    if (!(await useAssertion(shell.db, { issuer: account.id, jti, expiresAt })))
      throw new OAuthFault('invalid_client');
    return account;
  } catch (error) {
    if (error instanceof errors.JOSEError) throw new OAuthFault('invalid_client');
    throw error;
  }
}

async function verifyAssertion(
  shell: Shell,
  assertion: string,
  account: AccountWithOrganisation,
): Promise<{ readonly jti: string; readonly exp: number }> {
  const key = await verifyingKey(await keyNamed(account, decodeProtectedHeader(assertion).kid));
  const { payload } = await jwtVerify(assertion, key, {
    algorithms: ASSERTION_ALGORITHMS,
    issuer: account.id,
    subject: account.id,
    audience: [shell.publicUrl, `${shell.publicUrl}${TOKEN_PATH}`],
    clockTolerance: SKEW_SECONDS,
    currentDate: new Date(shell.now()),
    requiredClaims: ['exp', 'jti', 'aud'],
  });
  const { exp = Infinity, jti = '' } = payload;
  const isShort = exp - shell.now() / 1_000 <= ASSERTION_SECONDS_MAX + SKEW_SECONDS;
  const isForUsAlone = typeof payload.aud === 'string' || payload.aud?.length === 1;
  if (!isShort || !isForUsAlone || !/^[\x21-\x7e]{1,128}$/.test(jti)) throw new OAuthFault('invalid_client');
  return { jti, exp };
}

/** The key that the assertion names, by its own id or its thumbprint; an assertion that names none gets the first. */
async function keyNamed(account: AccountWithOrganisation, kid: string | undefined): Promise<ClientJwk> {
  const keys = account.keys.map((key) => clientJwk.parse(key));
  const names = await Promise.all(keys.map(thumbprint));
  const key = kid === undefined ? keys[0] : keys.find((each, at) => each.kid === kid || names[at] === kid);
  if (key === undefined) throw new OAuthFault('invalid_client');
  return key;
}

/** Signs an access token for an account that has been authenticated. */
export async function signAccessToken(
  shell: Pick<Shell, 'keys' | 'publicUrl' | 'now'>,
  account: Pick<AccountWithOrganisation, 'id' | 'organisationId' | 'roles'>,
): Promise<string> {
  const { token } = shell.keys;
  const issuedAt = Math.floor(shell.now() / 1_000);
  return new SignJWT({ client_id: account.id, roles: account.roles, org: account.organisationId })
    .setProtectedHeader({ alg: 'EdDSA', typ: TOKEN_TYPE, kid: token.kid })
    .setIssuer(shell.publicUrl)
    .setAudience(shell.publicUrl)
    .setSubject(account.id)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + TOKEN_SECONDS)
    .setJti(randomUUID())
    .sign(token.privateKey);
}
