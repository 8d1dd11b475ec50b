/** Routes about jobs: submitting, looking, listening, waiting, stopping. */
import { z } from '@hono/zod-openapi';
import { pageOf, pageQuery } from '../http/cursor.ts';
import { type Call, endpoint, type Endpoint, json } from '../http/endpoint.ts';
import { idParams, job, jobAsk, nothing, pageSchema } from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { cancelJob, getJob, jobEvents, jobResource, waitForJob } from '../services/job-resource.ts';
import { readersOf, readingOf } from '../services/permission.ts';
import { submitJob } from '../services/submission.ts';
import { listSeenJobs } from '../storage/oversight.ts';
import { ASK_BYTES, buyerAsk } from './ask.ts';

const READERS = { actions: ['read_jobs'] } as const;

const listQuery = z.strictObject({
  ...pageQuery.shape,
  account: z.string().min(1).max(64).optional(),
  dataset: z.string().min(1).max(200).optional(),
  grant: z.string().min(1).max(200).optional(),
});

/** Seconds to wait for the end of a job before it is answered as it is. */
const waitQuery = z.strictObject({ wait: z.coerce.number().int().min(0).max(60).default(0) });

export function jobRoutes(surface: Surface): readonly Endpoint[] {
  return [
    submitRoute(surface),
    listRoute(surface),
    showRoute(surface),
    eventsRoute(surface),
    cancelRoute(surface),
  ];
}

/** The resource of a job as this caller sees it. */
async function resourceFor(
  surface: Surface,
  { caller, language }: Pick<Call<never, never, never>, 'caller' | 'language'>,
  jobId: string,
): Promise<object> {
  const reading = await readingOf(surface, caller.principal);
  return jobResource(surface, await getJob(surface, caller, jobId), { reading, language });
}

function submitRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'post',
    path: '/v1/jobs',
    tag: 'jobs',
    summary: 'Submit a request; a refusal is a problem that names its job, for it is recorded as well',
    access: { actions: ['run'] },
    creates: true,
    ...ASK_BYTES,
    body: jobAsk,
    answer: { status: 202, schema: job },
    handle: async ({ caller, language, idempotency, body }) => {
      const jobId = await submitJob(surface, caller, { ask: buyerAsk(body), idempotency });
      const resource = await resourceFor(surface, { caller, language }, jobId);
      return json(resource, { status: 202, headers: { location: `/v1/jobs/${jobId}` } });
    },
  });
}

function listRoute(surface: Surface): Endpoint {
  const { db, cursors } = surface;
  return endpoint({
    method: 'get',
    path: '/v1/jobs',
    tag: 'jobs',
    summary: 'Who asked what, newest first',
    access: READERS,
    query: listQuery,
    answer: { status: 200, schema: pageSchema(job) },
    handle: async ({
      caller,
      language,
      query: { limit, cursor, account = null, dataset = null, grant = null },
    }) => {
      const list = { name: 'jobs', reader: caller.principal.org.id };
      const [createdAt, id] = cursors.open(list, cursor) ?? [];
      const after = createdAt === undefined || id === undefined ? null : { createdAt, id };
      const readers = readersOf(caller.principal, 'read_jobs');
      const rows = await listSeenJobs(db, { readers, account, dataset, grant }, { after, limit: limit + 1 });
      const page = pageOf(rows, limit, (last) => cursors.seal(list, [last.createdAt.toISOString(), last.id]));
      const reading = await readingOf(surface, caller.principal);
      const seen = page.items.filter((row) => reading.may('read_jobs', row));
      const items = await Promise.all(seen.map((row) => jobResource(surface, row, { reading, language })));
      return json({ items, nextCursor: page.nextCursor });
    },
  });
}

function showRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/jobs/{id}',
    tag: 'jobs',
    summary: 'A job; with `wait`, as soon as it is done or the time is up',
    access: READERS,
    params: idParams,
    query: waitQuery,
    answer: { status: 200, schema: job },
    handle: async ({ caller, language, signal, params: { id }, query: { wait } }) => {
      const { state } = await getJob(surface, caller, id);
      if (wait > 0 && state !== 'done') await waitForJob(surface, id, { waitMs: wait * 1_000, signal });
      return json(await resourceFor(surface, { caller, language }, id));
    },
  });
}

function eventsRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/jobs/{id}/events',
    tag: 'jobs',
    summary:
      'The public states of a job as server-sent events; Last-Event-ID goes on where a reader left off',
    access: READERS,
    params: idParams,
    answer: { status: 200, schema: z.string(), also: ['text/event-stream'] },
    handle: async ({ caller, headers, signal, params: { id } }) => {
      await getJob(surface, caller, id);
      const last = headers.get('last-event-id') ?? '';
      const afterSeq = /^\d{1,9}$/.test(last) ? Number(last) : 0;
      return new Response(jobEvents(surface, id, { afterSeq, signal }), {
        headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
      });
    },
  });
}

function cancelRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'post',
    path: '/v1/jobs/{id}/cancel',
    tag: 'jobs',
    summary: 'Stop a job that waits; one whose data were opened runs to its end, unless an operator stops it',
    access: { roles: ['buyer', 'operator'] },
    params: idParams,
    body: z.union([nothing, z.undefined()]),
    answer: { status: 202, schema: job },
    handle: async ({ caller, language, params: { id } }) => {
      await getJob(surface, caller, id);
      await cancelJob(surface, caller, id);
      return json(await resourceFor(surface, { caller, language }, id), { status: 202 });
    },
  });
}
