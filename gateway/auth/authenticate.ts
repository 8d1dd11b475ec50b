/**
 * Authentication: from an access token (RFC 9068) to the account that asks.
 *
 * Guarantee: the token is of this issuer, for this audience, of type `at+jwt`, signed by the key it names with the one
 * algorithm that key has, and not expired. Roles and organisation are read from the account, not from the token, so a
 * revocation or a change of roles holds from the next request on.
 */
import { errors, jwtVerify } from 'jose';
import { publicKeyOf, type SigningKey } from '#crypto/ed25519-key.ts';
import { ROLES, type Role } from '#policies/roles.ts';
import { say } from '#policies/words.ts';
import type { Caller } from '../http/endpoint.ts';
import { HttpFault } from '../problem.ts';
import type { Shell } from '../services/shell.ts';
import { type AccountWithOrganisation, findAccount } from '../storage/parties.ts';
import { SKEW_SECONDS, TOKEN_TYPE } from './issuer.ts';

/** What it takes to read a token: the issuer's public key is enough. */
export interface TokenReader extends Pick<Shell, 'db' | 'publicUrl' | 'now'> {
  readonly keys: { readonly token: Pick<SigningKey, 'kid' | 'publicJwk'> };
}

/** The account behind an Authorization header. HttpFault UNAUTHENTICATED. */
export async function authenticate(shell: TokenReader, authorization: string | null): Promise<Caller> {
  const [, token] = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '') ?? [];
  if (token === undefined) throw unauthenticated(null);
  const account = await findAccount(shell.db, await subjectOf(shell, token));
  if (account === null || account.revoked) throw unauthenticated('invalid_token');
  return callerOf(account);
}

async function subjectOf({ keys, publicUrl, now }: TokenReader, token: string): Promise<string> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, publicKeyOf(keys.token.publicJwk), {
      algorithms: ['EdDSA'],
      typ: TOKEN_TYPE,
      issuer: publicUrl,
      audience: publicUrl,
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
    });
    if (protectedHeader.kid !== keys.token.kid) throw unauthenticated('invalid_token');
    return payload.sub ?? '';
  } catch (error) {
    if (error instanceof errors.JOSEError) throw unauthenticated('invalid_token');
    throw error;
  }
}

/** An account as decisions need it. A role that is none of ours gives nothing. */
export function callerOf(account: AccountWithOrganisation): Caller {
  const { id, organisation } = account;
  const { id: organisationId, operator, region, sector, suspended } = organisation;
  return {
    principal: {
      id,
      roles: account.roles.filter((role): role is Role => ROLES.some((known) => known === role)),
      suspended: account.revoked,
      org: { id: organisationId, operator, region, sector, suspended },
    },
    organisationName: organisation.name,
  };
}

function unauthenticated(error: 'invalid_token' | null): HttpFault {
  const challenge = error === null ? 'Bearer' : `Bearer error="${error}"`;
  return new HttpFault('UNAUTHENTICATED', say('api.token'), { 'www-authenticate': challenge });
}
