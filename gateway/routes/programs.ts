/** Routes about programs: submitting, reading and reviewing them. */
import { created } from '../http/creation.ts';
import { pageOf, pageQuery } from '../http/cursor.ts';
import { endpoint, type Endpoint, json } from '../http/endpoint.ts';
import {
  newProgram,
  pageSchema,
  program,
  programApproval,
  programParams,
  programRejection,
  programSummary as summarySchema,
  revocation,
} from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import {
  approve,
  getProgram,
  keepProgram,
  listSeenPrograms,
  programSummary,
  readProgram,
  reject,
  scanProgram,
  withdraw,
} from '../services/programs.ts';
import { findProgram } from '../storage/program-store.ts';

const READERS = { actions: ['read_program'] } as const;
const REVIEWERS = { actions: ['approve_program'] } as const;
/** Of a submission: a program is written by a person, but its lookup tables may not be. */
const BODY_BYTES_MAX = 2 ** 20;

export function programRoutes(surface: Surface): readonly Endpoint[] {
  return [submitRoute(surface), ...readRoutes(surface), ...reviewRoutes(surface), withdrawRoute(surface)];
}

function submitRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'post',
    path: '/v1/programs',
    tag: 'programs',
    summary: 'Submit a program with its manifest and record; one whose scan has errors is refused with them',
    access: { actions: ['submit_program'] },
    creates: true,
    bodyBytesMax: BODY_BYTES_MAX,
    body: newProgram,
    answer: { status: 201, schema: summarySchema },
    handle: async ({ caller, idempotency, body }) => {
      const { module, manifest, record = {} } = body;
      const scanned = await scanProgram(surface, caller, { module, manifest, record });
      return created(surface, { account: caller.principal.id, idempotency }, async (inside) => {
        const kept = await findProgram(inside, await keepProgram(inside, scanned));
        if (kept === null) throw new RangeError('a program that was submitted is there');
        return programSummary(surface, kept);
      });
    },
  });
}

function readRoutes(surface: Surface): readonly Endpoint[] {
  const { cursors } = surface;
  return [
    endpoint({
      method: 'get',
      path: '/v1/programs',
      tag: 'programs',
      summary:
        'Programs, newest first: the own organisation’s, those that read its data, or all for who oversees',
      access: READERS,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(summarySchema) },
      handle: async ({ caller, query: { limit, cursor } }) => {
        const list = { name: 'programs', reader: caller.principal.org.id };
        const [createdAt, digest] = cursors.open(list, cursor) ?? [];
        const after = createdAt === undefined || digest === undefined ? null : { createdAt, digest };
        const rows = await listSeenPrograms(surface, caller, { after, limit: limit + 1 });
        const page = pageOf(rows, limit, (last) =>
          cursors.seal(list, [last.createdAt.toISOString(), last.digest]),
        );
        return json({
          items: page.items.map((row) => programSummary(surface, row)),
          nextCursor: page.nextCursor,
        });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/programs/{digest}',
      tag: 'programs',
      summary:
        'A program with its code and the steps of its review; every reading but its owner’s is recorded',
      access: READERS,
      params: programParams,
      answer: { status: 200, schema: program },
      handle: async ({ caller, language, params: { digest } }) =>
        json(await readProgram(surface, caller, { digest, language })),
    }),
  ];
}

function reviewRoutes(surface: Surface): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/programs/{digest}/approval',
      tag: 'programs',
      summary: 'Approve a program for one side; it may run when the operator and every provider have',
      access: REVIEWERS,
      params: programParams,
      body: programApproval,
      answer: { status: 200, schema: summarySchema },
      handle: async ({ caller, params: { digest }, body: { side = null, opinion = null } }) => {
        const given = await approve(surface, caller, await getProgram(surface, caller, digest), {
          side,
          opinion,
        });
        return json({ ...programSummary(surface, await getProgram(surface, caller, digest)), side: given });
      },
    }),
    endpoint({
      method: 'post',
      path: '/v1/programs/{digest}/rejection',
      tag: 'programs',
      summary: 'Reject a program for good, with a code, the reason in words and its basis',
      access: REVIEWERS,
      params: programParams,
      body: programRejection,
      answer: { status: 200, schema: summarySchema },
      handle: async ({ caller, params: { digest }, body }) => {
        await reject(surface, caller, await getProgram(surface, caller, digest), body);
        return json(programSummary(surface, await getProgram(surface, caller, digest)));
      },
    }),
  ];
}

function withdrawRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'post',
    path: '/v1/programs/{digest}/withdrawal',
    tag: 'programs',
    summary: 'Withdraw a program for good, and kill its running jobs',
    access: { actions: ['withdraw_program'] },
    params: programParams,
    body: revocation,
    answer: { status: 200, schema: summarySchema },
    handle: async ({ caller, params: { digest }, body: { reason } }) => {
      await withdraw(surface, caller, await getProgram(surface, caller, digest), reason);
      return json(programSummary(surface, await getProgram(surface, caller, digest)));
    },
  });
}
