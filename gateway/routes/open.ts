/** Routes for everyone: health, metrics, the document of the API, keys, and tokens. Nothing here depends on data. */
import { z } from '@hono/zod-openapi';
import { TOKEN_PATH, issueToken, OAuthFault } from '../auth/issuer.ts';
import { ASSERTION_ALGORITHMS } from '../auth/client-key.ts';
import { type Endpoint, json, openEndpoint, text } from '../http/endpoint.ts';
import { tokenForm } from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { logKeyText, publishedKeys } from '../services/evidence.ts';
import { findOperator } from '../storage/party-list.ts';

const ok = z.object({ status: z.literal('ok') });
const anything = z.looseObject({});

/** `document` gives the OpenAPI document, which lists these routes as well. */
export function openRoutes(surface: Surface, document: () => object): readonly Endpoint[] {
  return [
    openEndpoint({
      method: 'get',
      path: '/healthz',
      tag: 'service',
      summary: 'Whether this process answers',
      answer: { status: 200, schema: ok },
      handle: async () => json({ status: 'ok' }),
    }),
    openEndpoint({
      method: 'get',
      path: '/readyz',
      tag: 'service',
      summary: 'Whether this process can reach its database',
      answer: { status: 200, schema: ok },
      handle: async () => {
        try {
          await findOperator(surface.db);
          return json({ status: 'ok' });
        } catch {
          return json({ status: 'unready' }, { status: 503, headers: { 'retry-after': '2' } });
        }
      },
    }),
    openEndpoint({
      method: 'get',
      path: '/metrics',
      tag: 'service',
      summary: 'Counters for Prometheus; none depends on data',
      answer: { status: 200, schema: z.string(), also: ['text/plain'] },
      handle: async () => text(await surface.metrics.render(), 'text/plain; version=0.0.4'),
    }),
    openEndpoint({
      method: 'get',
      path: '/openapi.json',
      tag: 'service',
      summary: 'This document',
      answer: { status: 200, schema: anything },
      handle: async () => json(document()),
    }),
    ...keyRoutes(surface),
    tokenRoute(surface),
  ];
}

function keyRoutes({ publicUrl, keys }: Surface): readonly Endpoint[] {
  return [
    openEndpoint({
      method: 'get',
      path: '/.well-known/oauth-authorization-server',
      tag: 'keys',
      summary: 'Metadata of the token issuer (RFC 8414)',
      answer: { status: 200, schema: anything },
      handle: async () =>
        json({
          issuer: publicUrl,
          token_endpoint: `${publicUrl}${TOKEN_PATH}`,
          jwks_uri: `${publicUrl}/.well-known/jwks.json`,
          grant_types_supported: ['client_credentials'],
          response_types_supported: [],
          token_endpoint_auth_methods_supported: ['private_key_jwt'],
          token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
        }),
    }),
    openEndpoint({
      method: 'get',
      path: '/.well-known/jwks.json',
      tag: 'keys',
      summary: 'Public keys of access tokens, receipts and statements (RFC 7517)',
      answer: { status: 200, schema: anything },
      handle: async () => {
        const { publicJwk, kid } = keys.token;
        return json({ keys: [{ ...publicJwk, kid, use: 'sig', alg: 'EdDSA' }, ...publishedKeys(keys)] });
      },
    }),
    openEndpoint({
      method: 'get',
      path: '/v1/log/key',
      tag: 'log',
      summary: 'The verifier key of the log, as text (C2SP signed-note)',
      answer: { status: 200, schema: z.string(), also: ['text/plain'] },
      handle: async () => text(`${logKeyText(keys)}\n`, 'text/plain'),
    }),
  ];
}

function tokenRoute(surface: Surface): Endpoint {
  return openEndpoint({
    method: 'post',
    path: TOKEN_PATH,
    tag: 'keys',
    summary: 'An access token for a signed assertion (RFC 6749 §4.4, RFC 7523 §2.2)',
    consumes: 'application/x-www-form-urlencoded',
    body: tokenForm,
    answer: {
      status: 200,
      schema: z.object({ access_token: z.string(), token_type: z.literal('Bearer'), expires_in: z.int() }),
    },
    handle: async ({ body }) => {
      const headers = { 'cache-control': 'no-store' };
      try {
        return json(await issueToken(surface, body), { headers });
      } catch (error) {
        // The form of RFC 6749 §5.2, which OAuth clients read, instead of a problem document.
        if (!(error instanceof OAuthFault)) throw error;
        const status = error.error === 'invalid_client' ? 401 : 400;
        return json({ error: error.error }, { status, headers });
      }
    },
  });
}
