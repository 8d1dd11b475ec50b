/** Routes about statements, their lines, corrections and settlement. */
import { z } from '@hono/zod-openapi';
import {
  adviceAsk,
  adviceResults,
  closeAsk,
  closedMonths,
  correction,
  correctionAsk,
  explainedLine,
  instruction,
  instructionQuery,
  invoiceAsk,
  jobParams,
  linesOfJob as jobLines,
  reasonAsk,
  sentInstructions,
  settled,
  statement,
  statementLine,
  statementParams,
  statementQuery,
  statementWithHistory,
  tracedUsage,
} from '../http/billing-schemas.ts';
import { created } from '../http/creation.ts';
import { pageOf, pageQuery } from '../http/cursor.ts';
import { endpoint, type Endpoint, json } from '../http/endpoint.ts';
import { nothing, pageSchema } from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { askCorrection, decide, getCorrection, listSeenCorrections } from '../services/corrections.ts';
import {
  explainLine,
  invoiceLine,
  lineResource,
  linesOfJob,
  linesOfStatement,
  listSeenInstructions,
  send,
  settle,
  takeAdvices,
  usageOfLine,
} from '../services/settlement.ts';
import {
  closeStatements,
  dispute,
  getStatement,
  historyOf,
  issue,
  listSeenStatements,
  resolve,
  statementResource,
} from '../services/statements.ts';

const STAFF = { roles: ['operator', 'billing'] } as const;
const READERS = { roles: ['operator', 'billing', 'buyer', 'auditor', 'supervisor'] } as const;
const PAYEES = { roles: ['operator', 'billing', 'buyer', 'provider', 'auditor', 'supervisor'] } as const;
const OVERSEERS = { roles: ['operator', 'billing', 'buyer'] } as const;
const noBody = z.union([nothing, z.undefined()]);

export function billingRoutes(surface: Surface): readonly Endpoint[] {
  return [
    ...closingRoutes(surface),
    ...statementRoutes(surface),
    ...actRoutes(surface),
    ...lineRoutes(surface),
    ...correctionRoutes(surface),
    ...settlementRoutes(surface),
  ];
}

function closingRoutes(surface: Surface): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/statements',
      tag: 'statements',
      summary: 'Close a month: rate what was used, or list what would block or hold each line',
      access: STAFF,
      body: closeAsk,
      answer: { status: 200, schema: closedMonths },
      handle: async ({ caller, language, body: { month, buyer = null, dryRun = false } }) => {
        const ask = { month, buyer, isDryRun: dryRun };
        return json({ items: await closeStatements(surface, caller, ask, language) });
      },
    }),
    endpoint({
      method: 'post',
      path: '/v1/statements/{id}/issue',
      tag: 'statements',
      summary: 'Sign a closed statement and put it into the log; by another account than closed it',
      access: STAFF,
      params: statementParams,
      body: noBody,
      answer: { status: 200, schema: statement },
      handle: async ({ caller, params: { id } }) => json(statementResource(await issue(surface, caller, id))),
    }),
  ];
}

function statementRoutes(surface: Surface): readonly Endpoint[] {
  const { cursors } = surface;
  return [
    endpoint({
      method: 'get',
      path: '/v1/statements',
      tag: 'statements',
      summary: 'Statements, the newest number first',
      access: READERS,
      query: statementQuery,
      answer: { status: 200, schema: pageSchema(statement) },
      handle: async ({ caller, query: { limit, cursor, month = null } }) => {
        const list = { name: 'statements', reader: caller.principal.org.id };
        const [issuer, seq] = cursors.open(list, cursor) ?? [];
        const after = issuer === undefined || seq === undefined ? null : { issuer, seq };
        const rows = await listSeenStatements(surface, caller, { month, after, limit: limit + 1 });
        const page = pageOf(rows, limit, (last) => cursors.seal(list, [last.issuer, last.seq]));
        return json({ items: page.items.map(statementResource), nextCursor: page.nextCursor });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/statements/{id}',
      tag: 'statements',
      summary: 'A statement with what was done with it',
      access: READERS,
      params: statementParams,
      answer: { status: 200, schema: statementWithHistory },
      handle: async ({ caller, params: { id } }) => {
        const found = await getStatement(surface, caller, id);
        return json({ ...statementResource(found), events: await historyOf(surface, found) });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/statements/{id}/lines',
      tag: 'statements',
      summary: 'The lines of a statement in order, as they are signed',
      access: READERS,
      params: statementParams,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(statementLine) },
      handle: async ({ caller, params: { id }, query: { limit, cursor } }) => {
        const found = await getStatement(surface, caller, id);
        const list = { name: `lines ${id}`, reader: caller.principal.org.id };
        const [after = '0'] = cursors.open(list, cursor) ?? [];
        const rows = await linesOfStatement(surface, found, { after: Number(after), limit: limit + 1 });
        const page = pageOf(rows, limit, ({ ordinal }) => cursors.seal(list, [String(ordinal)]));
        return json({ items: page.items.map(lineResource), nextCursor: page.nextCursor });
      },
    }),
  ];
}

function actRoutes(surface: Surface): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/statements/{id}/dispute',
      tag: 'statements',
      summary: 'Dispute an issued statement: nothing of it is settled until that is resolved',
      access: OVERSEERS,
      params: statementParams,
      body: reasonAsk,
      answer: { status: 200, schema: statement },
      handle: async ({ caller, params: { id }, body: { reason } }) =>
        json(statementResource(await dispute(surface, caller, id, reason))),
    }),
    endpoint({
      method: 'post',
      path: '/v1/statements/{id}/resolve',
      tag: 'statements',
      summary: 'End a dispute; what was wrong is corrected by corrections',
      access: STAFF,
      params: statementParams,
      body: reasonAsk,
      answer: { status: 200, schema: statement },
      handle: async ({ caller, params: { id }, body: { reason } }) =>
        json(statementResource(await resolve(surface, caller, id, reason))),
    }),
    endpoint({
      method: 'post',
      path: '/v1/statements/{id}/settle',
      tag: 'settlement',
      summary: 'Make instructions for all that is not held; what is held, and who can clear it',
      access: STAFF,
      params: statementParams,
      body: noBody,
      answer: { status: 200, schema: settled },
      handle: async ({ caller, language, params: { id } }) =>
        json(await settle(surface, caller, id, language)),
    }),
    endpoint({
      method: 'post',
      path: '/v1/statements/{id}/sent',
      tag: 'settlement',
      summary: 'Say that the pending instructions of a statement were handed to their payer',
      access: STAFF,
      params: statementParams,
      body: noBody,
      answer: { status: 200, schema: sentInstructions },
      handle: async ({ caller, params: { id } }) => json(await send(surface, caller, id)),
    }),
  ];
}

function lineRoutes(surface: Surface): readonly Endpoint[] {
  const { cursors } = surface;
  return [
    endpoint({
      method: 'get',
      path: '/v1/statement-lines/{id}',
      tag: 'statements',
      summary: 'A line with the grant, the documents and the approvals that it rests on',
      access: READERS,
      params: statementParams,
      answer: { status: 200, schema: explainedLine },
      handle: async ({ caller, params: { id } }) => json(await explainLine(surface, caller, id)),
    }),
    endpoint({
      method: 'get',
      path: '/v1/statement-lines/{id}/usage',
      tag: 'statements',
      summary: 'The runs on a line, each with its place in the log; no text of any request',
      access: READERS,
      params: statementParams,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(tracedUsage) },
      handle: async ({ caller, params: { id }, query: { limit, cursor } }) => {
        const list = { name: `usage ${id}`, reader: caller.principal.org.id };
        const [after = null] = cursors.open(list, cursor) ?? [];
        const rows = await usageOfLine(surface, caller, id, { after, limit: limit + 1 });
        return json(pageOf(rows, limit, (last) => cursors.seal(list, [last.id])));
      },
    }),
    endpoint({
      method: 'post',
      path: '/v1/statement-lines/{id}/invoice',
      tag: 'statements',
      summary: 'Record the tax invoice of a line',
      access: STAFF,
      params: statementParams,
      body: invoiceAsk,
      answer: { status: 200, schema: statementLine },
      handle: async ({ caller, params: { id }, body }) =>
        json(lineResource(await invoiceLine(surface, caller, { line: id, ...body }))),
    }),
    endpoint({
      method: 'get',
      path: '/v1/jobs/{id}/lines',
      tag: 'statements',
      summary: 'The lines on which a run stands',
      access: READERS,
      params: jobParams,
      answer: { status: 200, schema: jobLines },
      handle: async ({ caller, params: { id } }) => json({ items: await linesOfJob(surface, caller, id) }),
    }),
  ];
}

function correctionRoutes(surface: Surface): readonly Endpoint[] {
  const { cursors } = surface;
  return [
    endpoint({
      method: 'post',
      path: '/v1/corrections',
      tag: 'corrections',
      summary: 'Ask for a correction of how a usage record is rated',
      access: STAFF,
      creates: true,
      body: correctionAsk,
      answer: { status: 201, schema: correction },
      handle: async ({ caller, idempotency, body }) =>
        created(surface, { account: caller.principal.id, idempotency }, (inside) =>
          askCorrection(inside, caller, body),
        ),
    }),
    endpoint({
      method: 'get',
      path: '/v1/corrections',
      tag: 'corrections',
      summary: 'Corrections, the newest first',
      access: READERS,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(correction) },
      handle: async ({ caller, query: { limit, cursor } }) => {
        const list = { name: 'corrections', reader: caller.principal.org.id };
        const [at, id] = cursors.open(list, cursor) ?? [];
        const after = at === undefined || id === undefined ? null : { at, id };
        const rows = await listSeenCorrections(surface, caller, { after, limit: limit + 1 });
        return json(
          pageOf(rows, limit, (last) => cursors.seal(list, [last.requestedAt.toISOString(), last.id])),
        );
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/corrections/{id}',
      tag: 'corrections',
      summary: 'A correction',
      access: READERS,
      params: statementParams,
      answer: { status: 200, schema: correction },
      handle: async ({ caller, params: { id } }) => json(await getCorrection(surface, caller, id)),
    }),
    ...(['approve', 'reject'] as const).map((act) =>
      endpoint({
        method: 'post',
        path: `/v1/corrections/{id}/${act}`,
        tag: 'corrections',
        summary: act === 'approve' ? 'Agree to a correction, as another account' : 'Reject a correction',
        access: STAFF,
        params: statementParams,
        body: noBody,
        answer: { status: 200, schema: correction },
        handle: async ({ caller, params: { id } }) =>
          json(await decide(surface, caller, id, act === 'approve' ? 'approved' : 'rejected')),
      }),
    ),
  ];
}

function settlementRoutes(surface: Surface): readonly Endpoint[] {
  const { cursors } = surface;
  return [
    endpoint({
      method: 'get',
      path: '/v1/settlements',
      tag: 'settlement',
      summary: 'Settlement instructions: all, those to pay, or those to be paid',
      access: PAYEES,
      query: instructionQuery,
      answer: { status: 200, schema: pageSchema(instruction) },
      handle: async ({ caller, query: { limit, cursor, statement: of = null } }) => {
        const list = { name: 'settlements', reader: caller.principal.org.id };
        const [after = null] = cursors.open(list, cursor) ?? [];
        const rows = await listSeenInstructions(surface, caller, of, { after, limit: limit + 1 });
        return json(pageOf(rows, limit, ({ id }) => cursors.seal(list, [id])));
      },
    }),
    endpoint({
      method: 'post',
      path: '/v1/settlements/advices',
      tag: 'settlement',
      summary: 'Match payment advices one to one: what fits is kept, what does not is told why',
      access: STAFF,
      body: adviceAsk,
      bodyBytesMax: 4 << 20,
      answer: { status: 200, schema: adviceResults },
      handle: async ({ caller, body: { advices } }) =>
        json({ items: await takeAdvices(surface, caller, advices) }),
    }),
  ];
}
