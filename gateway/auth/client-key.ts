/** Public keys of clients: which are accepted, and what an assertion is verified with. */
import { calculateJwkThumbprint, type CryptoKey, importJWK, type JWK } from 'jose';
import { z } from '@hono/zod-openapi';
import { FieldFaults } from '../problem.ts';
import { say } from '#policies/words.ts';

const text = z.string().min(1).max(200);
const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const named = { kid: text.optional(), use: z.literal('sig').optional(), alg: text.optional() };

/** EC P-256 (ES256) or Ed25519 (EdDSA), public half only: a private key that was sent by mistake is refused. */
export const clientJwk = z.discriminatedUnion('kty', [
  z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate, ...named }),
  z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: coordinate, ...named }),
]);

export type ClientJwk = z.infer<typeof clientJwk>;

/** Algorithms of assertions. `none` and every HMAC are out by not being here. */
export const ASSERTION_ALGORITHMS = ['ES256', 'EdDSA'];

/** Checks that a JWK is a point on its curve, and gives it the name it goes by: its thumbprint (RFC 7638). */
export async function namedKey(jwk: ClientJwk): Promise<ClientJwk> {
  try {
    await verifyingKey(jwk);
    return { ...jwk, kid: await thumbprint(jwk) };
  } catch {
    throw new FieldFaults([{ field: 'jwk', rule: say('api.keyKind') }]);
  }
}

/** The name of a key (RFC 7638). */
export async function thumbprint(jwk: ClientJwk): Promise<string> {
  return calculateJwkThumbprint(jwk as JWK);
}

/** The key as the verifier takes it; its algorithm is that of its kind, whatever the assertion says. */
export async function verifyingKey(jwk: ClientJwk): Promise<CryptoKey | Uint8Array> {
  return importJWK(jwk as JWK, jwk.kty === 'EC' ? 'ES256' : 'EdDSA');
}
