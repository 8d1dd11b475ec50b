/** Routes about quotes: making one, accepting it, and how many were made. */
import { z } from '@hono/zod-openapi';
import { created } from '../http/creation.ts';
import { endpoint, type Endpoint, json } from '../http/endpoint.ts';
import { idParams, nothing, quote, quoteAcceptance, quoteAsk, quoteCounts } from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { acceptNamed, makeQuote } from '../services/quotes.ts';
import { listQuoteCounts, saveQuote } from '../storage/quote-store.ts';
import { ASK_BYTES, buyerAsk } from './ask.ts';

export function quoteRoutes(surface: Surface): readonly Endpoint[] {
  return [quoteRoute(surface), acceptRoute(surface), countsRoute(surface)];
}

function quoteRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'post',
    path: '/v1/quotes',
    tag: 'jobs',
    summary:
      'What a request would cost, how exact it would be, and whether it would be refused; reads no data',
    access: { actions: ['quote'] },
    creates: true,
    ...ASK_BYTES,
    body: quoteAsk,
    answer: { status: 201, schema: quote },
    handle: async ({ caller, idempotency, language, body }) => {
      const made = await makeQuote(surface, caller, { ask: buyerAsk(body), language });
      return created(surface, { account: caller.principal.id, idempotency }, async (inside) => {
        await saveQuote(inside, made.stored, made.day);
        return made.resource;
      });
    },
  });
}

function acceptRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'post',
    path: '/v1/quotes/{id}/accept',
    tag: 'jobs',
    summary: 'Accept a quote of one’s own organisation; a job that names an open quote accepts it as well',
    access: { actions: ['run'] },
    params: idParams,
    body: z.union([nothing, z.undefined()]),
    answer: { status: 200, schema: quoteAcceptance },
    handle: async ({ caller, params: { id } }) => json(await acceptNamed(surface, caller, id)),
  });
}

/** Days as they are in the zone of bills, both included. */
const countsQuery = z.strictObject({ from: z.iso.date().optional(), to: z.iso.date().optional() });

function countsRoute(surface: Surface): Endpoint {
  const { db, timeZone } = surface;
  return endpoint({
    method: 'get',
    path: '/v1/usage/quotes',
    tag: 'answers',
    summary: 'How many quotes each account was made by day, and how many of those were accepted',
    access: { roles: ['operator'] },
    query: countsQuery,
    answer: { status: 200, schema: quoteCounts },
    handle: async ({ query: { from = null, to = null } }) =>
      json({ items: await listQuoteCounts(db, { from, to, timeZone }) }),
  });
}
