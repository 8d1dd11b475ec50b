/** Routes about what came of jobs: released answers, evidence, the log, and usage. */
import { z } from '@hono/zod-openapi';
import { instantText } from '#sandbox/release/zone.ts';
import { pageQuery } from '../http/cursor.ts';
import { endpoint, type Endpoint, json, text } from '../http/endpoint.ts';
import { evidence, idParams, madeId, pageSchema, release, usageEvent } from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { filterOf, usageDimensions } from '../http/usage-query.ts';
import { currentCheckpoint, getConsistency, getEvidence } from '../services/evidence.ts';
import { notFound } from '../services/permission.ts';
import { getRelease, releaseCsv } from '../services/release-view.ts';
import { listUsagePage, usageLines } from '../services/usage.ts';

const plainText = (accept: string | null, type: string): boolean => (accept ?? '').includes(type);

export function answerRoutes(surface: Surface): readonly Endpoint[] {
  return [releaseRoute(surface), receiptRoute(surface), ...logRoutes(surface), usageRoute(surface)];
}

function releaseRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/releases/{id}',
    tag: 'answers',
    summary: 'A released answer, as the job named by `job` asked to see it, else as the one that made it',
    access: { actions: ['read_query_text'] },
    params: idParams,
    query: z.strictObject({ job: madeId.optional() }),
    answer: { status: 200, schema: release, also: ['text/csv'] },
    handle: async ({ caller, language, headers, params: { id }, query }) => {
      const view = await getRelease(surface, caller, { id, jobId: query.job ?? null, language });
      return plainText(headers.get('accept'), 'text/csv') ? text(releaseCsv(view), 'text/csv') : json(view);
    },
  });
}

function receiptRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/receipts/{id}',
    tag: 'answers',
    summary:
      'The receipt of a job with a proof that it is in the log; for what was not released, its usage record',
    access: { actions: ['read_receipt'] },
    params: idParams,
    answer: { status: 200, schema: evidence },
    handle: async ({ caller, params: { id } }) => json(await getEvidence(surface, caller, id)),
  });
}

function logRoutes(surface: Surface): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/v1/log/checkpoint',
      tag: 'log',
      summary: 'The newest signed checkpoint (C2SP tlog-checkpoint)',
      access: 'account',
      answer: { status: 200, schema: z.string(), also: ['text/plain'] },
      handle: async () => {
        const checkpoint = await currentCheckpoint(surface);
        if (checkpoint === null) throw notFound();
        return text(checkpoint.note, 'text/plain');
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/log/proofs/{id}',
      tag: 'log',
      summary: 'That the evidence of a job is in the log (C2SP tlog-proof)',
      access: { actions: ['read_receipt'] },
      params: idParams,
      answer: { status: 200, schema: z.string(), also: ['text/plain'] },
      handle: async ({ caller, params: { id } }) => {
        const { proof } = await getEvidence(surface, caller, id);
        if (proof === null) throw notFound();
        return text(proof, 'text/plain');
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/log/consistency',
      tag: 'log',
      summary: 'That the newest checkpoint continues an earlier one of size `from` (RFC 9162 §2.1.4)',
      access: 'account',
      query: z.strictObject({ from: z.string().regex(/^[1-9]\d{0,18}$/) }),
      answer: { status: 200, schema: z.object({ path: z.array(z.string()), checkpoint: z.string() }) },
      handle: async ({ query: { from } }) => json(await getConsistency(surface, BigInt(from))),
    }),
  ];
}

const usageQuery = z.strictObject({ ...pageQuery.shape, ...usageDimensions });

function usageRoute(surface: Surface): Endpoint {
  const { cursors } = surface;
  return endpoint({
    method: 'get',
    path: '/v1/usage',
    tag: 'answers',
    summary: 'Usage as CloudEvents 1.0; the text of requests is not among it',
    access: { actions: ['read_usage'] },
    query: usageQuery,
    answer: { status: 200, schema: pageSchema(usageEvent) },
    handle: async ({ caller, query }) => {
      const { limit, cursor, ...dimensions } = query;
      const list = { name: 'usage', reader: caller.principal.org.id };
      const [leaf = '-1'] = cursors.open(list, cursor) ?? [];
      const filter = filterOf(dimensions);
      const page = await listUsagePage(surface, caller, { filter, afterLeaf: BigInt(leaf), limit });
      const nextCursor = page.nextLeaf === null ? null : cursors.seal(list, [page.nextLeaf]);
      const withMeasured = caller.principal.roles.includes('operator');
      const timeOf = (at: Date): string => instantText(at.getTime(), surface.timeZone);
      const items = usageLines(page, timeOf, { withMeasured }).map((line) => JSON.parse(line) as object);
      return json({ items, nextCursor });
    },
  });
}
