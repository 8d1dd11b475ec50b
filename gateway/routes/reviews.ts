/** Routes about answers that wait for a person: what waits, the answer itself, and the decision. */
import { z } from '@hono/zod-openapi';
import { pageOf, pageQuery } from '../http/cursor.ts';
import { endpoint, type Endpoint, json } from '../http/endpoint.ts';
import { decision, idParams, nothing, pageSchema, rejection, release, review } from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { decideReview, listReviews, mayReview, readReview, reviewResource } from '../services/reviews.ts';

const REVIEWERS = { actions: ['review_release'] } as const;

export function reviewRoutes(surface: Surface): readonly Endpoint[] {
  return [listRoute(surface), showRoute(surface), ...decisionRoutes(surface)];
}

function listRoute(surface: Surface): Endpoint {
  const { cursors } = surface;
  return endpoint({
    method: 'get',
    path: '/v1/reviews',
    tag: 'reviews',
    summary: 'Jobs whose answers wait for a reviewer, the longest first',
    access: REVIEWERS,
    query: pageQuery,
    answer: { status: 200, schema: pageSchema(review) },
    handle: async ({ caller, query: { limit, cursor } }) => {
      const list = { name: 'reviews', reader: caller.principal.org.id };
      const [since, id] = cursors.open(list, cursor) ?? [];
      const after = since === undefined || id === undefined ? null : { since, id };
      const rows = await listReviews(surface, caller, { after, limit: limit + 1 });
      const page = pageOf(rows, limit, (last) => cursors.seal(list, [last.since.toISOString(), last.id]));
      const seen = page.items.filter((held) => mayReview(surface, caller.principal, held));
      return json({
        items: seen.map((held) => reviewResource(surface, held)),
        nextCursor: page.nextCursor,
      });
    },
  });
}

function showRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/reviews/{id}',
    tag: 'reviews',
    summary: 'The answer of a job that waits, exactly as its buyer would get it; the reading is recorded',
    access: REVIEWERS,
    params: idParams,
    answer: { status: 200, schema: release },
    handle: async ({ caller, language, params: { id } }) =>
      json(await readReview(surface, caller, { jobId: id, language })),
  });
}

function decisionRoutes(surface: Surface): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/reviews/{id}/approve',
      tag: 'reviews',
      summary: 'Release the answer of a job, from now on and for good',
      access: REVIEWERS,
      params: idParams,
      body: z.union([nothing, z.undefined()]),
      answer: { status: 200, schema: decision },
      handle: async ({ caller, params: { id } }) => {
        await decideReview(surface, caller, id, { decision: 'approved' });
        return json({ job: id, decision: 'approved' });
      },
    }),
    endpoint({
      method: 'post',
      path: '/v1/reviews/{id}/reject',
      tag: 'reviews',
      summary: 'Refuse the answer of a job for good; its buyer is told the reason, and not the note',
      access: REVIEWERS,
      params: idParams,
      body: rejection,
      answer: { status: 200, schema: decision },
      handle: async ({ caller, params: { id }, body: { reason, note = null } }) => {
        await decideReview(surface, caller, id, { decision: 'rejected', reason, note });
        return json({ job: id, decision: 'rejected' });
      },
    }),
  ];
}
