/** Signing in: which assertions get a token, and which tokens are believed. */
import { createHmac, createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { exportPKCS8, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateSigningKey, publicKeyOf } from '#crypto/ed25519-key.ts';
import { signAccessToken } from '#gateway/auth/issuer.ts';
import { suspend } from '#gateway/storage/suspension.ts';
import { ISSUER, makeWorld, type World } from '#tests/support/gateway-world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface Claims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | string[];
  readonly jti?: string | undefined;
  readonly exp?: number | undefined;
}

function seconds(): number {
  return Math.floor(world.shell.now() / 1_000);
}

/** An assertion of `ben` that is right but for what is changed. */
async function assertion(
  claims: Claims = {},
  key: KeyObject = world.keys.ben.privateKey,
  kid = world.keys.ben.kid,
): Promise<string> {
  const all = { iss: 'ben', sub: 'ben', aud: ISSUER, jti: randomUUID(), exp: seconds() + 60, ...claims };
  return new SignJWT(all as Record<string, unknown>).setProtectedHeader({ alg: 'EdDSA', kid }).sign(key);
}

function ask(client_assertion: string, form: Readonly<Record<string, string>> = {}): Promise<Response> {
  return world.request('/oauth/token', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: TYPE,
      client_assertion,
      ...form,
    }),
  });
}

async function meWith(token: string): Promise<Response> {
  return world.request('/v1/me', { headers: { authorization: `Bearer ${token}` } });
}

describe('the token endpoint', () => {
  test('gives a token of five minutes for a signed assertion, which then says who asks', async () => {
    const response = await ask(await assertion());
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body = (await response.json()) as { access_token: string };
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 300 });
    const me = await meWith(body.access_token);
    expect(await me.json()).toEqual({
      account: 'ben',
      organisation: { id: 'city-university', name: 'The city-university' },
      roles: ['buyer'],
    });
  });

  test('accepts the token endpoint as audience, and ES256 keys that an operator registered', async () => {
    expect((await ask(await assertion({ aud: `${ISSUER}/oauth/token` }))).status).toBe(200);
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = publicKeyJwk(await exportSPKI(publicKey));
    const made = await world.as('olga', '/v1/accounts', {
      id: 'eve',
      organisation: 'rival-lab',
      roles: ['buyer'],
      jwk,
    });
    expect(made.status).toBe(201);
    const claims = { iss: 'eve', sub: 'eve', aud: ISSUER, jti: randomUUID(), exp: seconds() + 60 };
    const signed = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256' })
      .sign(createPrivateKey(await exportPKCS8(privateKey)));
    expect((await ask(signed)).status).toBe(200);
  });

  test('takes an assertion once', async () => {
    const once = await assertion();
    expect((await ask(once)).status).toBe(200);
    const again = await ask(once);
    expect(again.status).toBe(401);
    expect(await again.json()).toEqual({ error: 'invalid_client' });
  });

  test('refuses every assertion that is wrong in one thing', async () => {
    const foreign = generateSigningKey();
    const header = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const payload = header({ iss: 'ben', sub: 'ben', aud: ISSUER, jti: randomUUID(), exp: seconds() + 60 });
    const publicPem = String(publicKeyOf(world.keys.ben.publicJwk).export({ format: 'pem', type: 'spki' }));
    const hs256 = `${header({ alg: 'HS256', kid: world.keys.ben.kid })}.${payload}`;
    const wrong = {
      expired: await assertion({ exp: seconds() - 31 }),
      'longer than five minutes': await assertion({ exp: seconds() + 400 }),
      'without an end': await assertion({ exp: undefined }),
      'without an id': await assertion({ jti: undefined }),
      'for another audience': await assertion({ aud: 'https://elsewhere.example' }),
      'for us and another audience': await assertion({ aud: [ISSUER, 'https://elsewhere.example'] }),
      'of another subject': await assertion({ sub: 'olga' }),
      'of nobody': await assertion({ iss: 'nobody', sub: 'nobody' }),
      'signed by a foreign key': await assertion({}, foreign.privateKey),
      'signed by a foreign key under its own name': await assertion({}, foreign.privateKey, foreign.kid),
      'signed by the key of another account': await assertion({}, world.keys.rival.privateKey),
      'with alg none': `${header({ alg: 'none' })}.${payload}.`,
      'with the public key as HMAC secret': `${hs256}.${createHmac('sha256', publicPem).update(hs256).digest('base64url')}`,
      'that is no JWT': 'nonsense',
    };
    const statuses = await Promise.all(
      Object.entries(wrong).map(async ([name, text]) => [name, (await ask(text)).status] as const),
    );
    expect(Object.fromEntries(statuses)).toEqual(
      Object.fromEntries(Object.keys(wrong).map((name) => [name, 401])),
    );
  });

  test('names what is missing in the form of RFC 6749', async () => {
    const none = await ask(await assertion(), { grant_type: 'password' });
    expect([none.status, await none.json()]).toEqual([400, { error: 'unsupported_grant_type' }]);
    const other = await ask(await assertion(), { client_assertion_type: 'x' });
    expect([other.status, await other.json()]).toEqual([400, { error: 'invalid_request' }]);
  });
});

/** A P-256 SPKI in PEM as the JWK that a client would register. */
function publicKeyJwk(pem: string): Record<string, unknown> {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const point = der.subarray(-64);
  const part = (from: number): string => point.subarray(from, from + 32).toString('base64url');
  return { kty: 'EC', crv: 'P-256', x: part(0), y: part(32) };
}

describe('an access token', () => {
  const account = { id: 'ben', organisationId: 'city-university', roles: ['buyer'] };
  const claims = () => ({ client_id: 'ben', roles: ['buyer'], org: 'city-university' });

  /** A token that is right but for what is changed. */
  async function token(
    change: {
      readonly typ?: string;
      readonly iss?: string;
      readonly aud?: string;
      readonly kid?: string;
    } = {},
    key: KeyObject = world.shell.keys.token.privateKey,
  ): Promise<string> {
    return new SignJWT(claims())
      .setProtectedHeader({
        alg: 'EdDSA',
        typ: change.typ ?? 'at+jwt',
        kid: change.kid ?? world.shell.keys.token.kid,
      })
      .setIssuer(change.iss ?? ISSUER)
      .setAudience(change.aud ?? ISSUER)
      .setSubject('ben')
      .setIssuedAt(seconds())
      .setExpirationTime(seconds() + 300)
      .setJti(randomUUID())
      .sign(key);
  }

  test('that is wrong in one thing is not believed', async () => {
    expect((await meWith(await token())).status).toBe(200);
    const foreign = generateSigningKey();
    const header = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const right = (await token()).split('.');
    const publicPem = String(
      publicKeyOf(world.shell.keys.token.publicJwk).export({ format: 'pem', type: 'spki' }),
    );
    const hs256 = `${header({ alg: 'HS256', typ: 'at+jwt', kid: world.shell.keys.token.kid })}.${right[1]}`;
    const wrong = {
      'of another issuer': await token({ iss: 'https://elsewhere.example' }),
      'for another audience': await token({ aud: 'https://elsewhere.example' }),
      'of another type': await token({ typ: 'JWT' }),
      'under another key id': await token({ kid: 'other' }),
      'signed by a foreign key': await token({}, foreign.privateKey),
      'signed by its own account': await token({}, world.keys.ben.privateKey),
      'with alg none': `${header({ alg: 'none', typ: 'at+jwt' })}.${right[1]}.`,
      'with the public key as HMAC secret': `${hs256}.${createHmac('sha256', publicPem).update(hs256).digest('base64url')}`,
      'with another payload': `${right[0]}.${header({ ...claims(), sub: 'olga' })}.${right[2]}`,
      'an assertion': await assertion(),
    };
    for (const [name, text] of Object.entries(wrong)) {
      const response = await meWith(text);
      expect([name, response.status]).toEqual([name, 401]);
      expect(response.headers.get('www-authenticate')).toContain('Bearer');
    }
  });

  test('ends after its five minutes and the skew of a clock', async () => {
    const short = await signAccessToken(world.shell, account);
    expect((await meWith(short)).status).toBe(200);
    world.advance(331_000);
    expect((await meWith(short)).status).toBe(401);
  });

  test('is worth nothing from the moment its account is revoked, and no new one is given', async () => {
    const held = await signAccessToken(world.shell, account);
    expect((await meWith(held)).status).toBe(200);
    await suspend(world.db, 'account', 'ben');
    expect((await meWith(held)).status).toBe(401);
    expect((await ask(await assertion())).status).toBe(401);
  });

  test('gives the roles of its account as they are now, not as the token has them', async () => {
    const boasting = await signAccessToken(world.shell, {
      id: 'rival',
      organisationId: 'platform',
      roles: ['operator'],
    });
    expect((await (await meWith(boasting)).json()) as object).toMatchObject({ roles: ['buyer'] });
    const response = await world.request('/v1/accounts', {
      headers: { authorization: `Bearer ${boasting}` },
    });
    expect(response.status).toBe(403);
  });
});
