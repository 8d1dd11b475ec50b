/** Routes about what may be asked: datasets, grants and quotes. */
import { z } from '@hono/zod-openapi';
import { created } from '../http/creation.ts';
import { pageOf, pageQuery } from '../http/cursor.ts';
import { endpoint, type Endpoint, json } from '../http/endpoint.ts';
import {
  approval,
  budget,
  dataset,
  datasetParams,
  grant,
  grantParams,
  pageSchema,
  revocation,
  spend,
} from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { explainBudget } from '../services/budgets.ts';
import { datasetResource, datasetSummary } from '../services/dataset-view.ts';
import {
  approve,
  checkParties,
  fileGrant,
  getGrant,
  grantOf,
  grantResource,
  listSeenGrants,
  revoke,
} from '../services/grants.ts';
import { notFound } from '../services/permission.ts';
import { alertView, countersOf, spendingGrant } from '../services/spend.ts';
import { findDataset, listDatasets } from '../storage/dataset-list.ts';
import { findGrant } from '../storage/grant-store.ts';
import { type AlertPosition, listAlerts } from '../storage/spend-alerts.ts';

export function catalogueRoutes(surface: Surface): readonly Endpoint[] {
  return [
    ...datasetRoutes(surface),
    budgetRoute(surface),
    ...grantRoutes(surface),
    ...grantActs(surface),
    spendRoute(surface),
  ];
}

function datasetRoutes(surface: Surface): readonly Endpoint[] {
  const { db, cursors } = surface;
  return [
    endpoint({
      method: 'get',
      path: '/v1/datasets',
      tag: 'catalogue',
      summary: 'Datasets, by name',
      access: 'account',
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(dataset) },
      handle: async ({ caller, query: { limit, cursor } }) => {
        const list = { name: 'datasets', reader: caller.principal.org.id };
        const [after = ''] = cursors.open(list, cursor) ?? [];
        const rows = (await listDatasets(db)).filter(({ name }) => name > after);
        const { items, nextCursor } = pageOf(rows, limit, ({ name }) => cursors.seal(list, [name]));
        return json({ items: items.map(datasetSummary), nextCursor });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/datasets/{name}',
      tag: 'catalogue',
      summary: 'A dataset: its columns, bounds, keys and release policy',
      access: 'account',
      params: datasetParams,
      answer: { status: 200, schema: dataset },
      handle: async ({ caller, params: { name } }) => {
        const found = await findDataset(db, name);
        if (found === null) throw notFound();
        return json(await datasetResource(surface, caller, found));
      },
    }),
  ];
}

function budgetRoute(surface: Surface): Endpoint {
  const { cursors } = surface;
  return endpoint({
    method: 'get',
    path: '/v1/budgets/{name}',
    tag: 'catalogue',
    summary: 'What the ledgers of a dataset hold, and every charge on them with its reason, newest first',
    access: { actions: ['read_jobs'] },
    params: datasetParams,
    query: pageQuery,
    answer: { status: 200, schema: budget },
    handle: async ({ caller, language, params: { name }, query: { limit, cursor } }) => {
      const list = { name: `budget ${name}`, reader: caller.principal.org.id };
      const [createdAt, id, ledger] = cursors.open(list, cursor) ?? [];
      const isFirst = createdAt === undefined || id === undefined || ledger === undefined;
      const after = isFirst ? null : { createdAt, id, ledger };
      const ask = { name, language, after, limit: limit + 1 };
      const { head, rows, item } = await explainBudget(surface, caller, ask);
      const page = pageOf(rows, limit, (last) =>
        cursors.seal(list, [last.createdAt.toISOString(), last.jobId, last.ledger]),
      );
      const items = page.items.map(item).filter((shown) => shown !== null);
      return json({ ...head, items, nextCursor: page.nextCursor });
    },
  });
}

function grantRoutes(surface: Surface): readonly Endpoint[] {
  const { cursors } = surface;
  return [
    endpoint({
      method: 'post',
      path: '/v1/grants',
      tag: 'grants',
      summary: 'File a grant, or a new wording of one, which needs all approvals anew',
      access: { roles: ['operator'] },
      creates: true,
      body: z.record(z.string().max(100), z.unknown()),
      answer: { status: 201, schema: grant },
      handle: async ({ caller, idempotency, language, body }) => {
        const filed = grantOf(body);
        return created(surface, { account: caller.principal.id, idempotency }, async (inside) => {
          await checkParties(inside, filed);
          await fileGrant(inside, filed, caller.principal.id);
          const kept = await findGrant(inside, filed.id);
          if (kept === null) throw new RangeError('a grant that was filed is there');
          return grantResource(surface, kept, language);
        });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/grants',
      tag: 'grants',
      summary: 'Grants to which the caller is a party, by id',
      access: 'account',
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(grant) },
      handle: async ({ caller, language, query: { limit, cursor } }) => {
        const list = { name: 'grants', reader: caller.principal.org.id };
        const [after = ''] = cursors.open(list, cursor) ?? [];
        const rows = (await listSeenGrants(surface, caller)).filter(({ id }) => id > after);
        const { items, nextCursor } = pageOf(rows, limit, ({ id }) => cursors.seal(list, [id]));
        return json({ items: items.map((row) => grantResource(surface, row, language)), nextCursor });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/grants/{id}',
      tag: 'grants',
      summary: 'A grant, who has approved it, and whether it stands',
      access: 'account',
      params: grantParams,
      answer: { status: 200, schema: grant },
      handle: async ({ caller, language, params: { id } }) =>
        json(grantResource(surface, await getGrant(surface, caller, id), language)),
    }),
  ];
}

function grantActs(surface: Surface): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/grants/{id}/approve',
      tag: 'grants',
      summary: 'Approve one side of a grant; nobody approves what he filed, nor both sides',
      access: { roles: ['operator', 'provider', 'buyer'] },
      params: grantParams,
      body: approval,
      answer: { status: 200, schema: grant },
      handle: async ({ caller, language, params: { id }, body: { side, evidence = null } }) => {
        await approve(surface, caller, await getGrant(surface, caller, id), { side, evidence });
        return json(grantResource(surface, await getGrant(surface, caller, id), language));
      },
    }),
    endpoint({
      method: 'post',
      path: '/v1/grants/{id}/revoke',
      tag: 'grants',
      summary: 'Revoke a grant for good, with every job under it',
      access: { actions: ['revoke_grant'] },
      params: grantParams,
      body: revocation,
      answer: { status: 200, schema: grant },
      handle: async ({ caller, language, params: { id }, body: { reason } }) => {
        await revoke(surface, caller, await getGrant(surface, caller, id), reason);
        return json(grantResource(surface, await getGrant(surface, caller, id), language));
      },
    }),
  ];
}

function spendRoute(surface: Surface): Endpoint {
  const { db, cursors } = surface;
  return endpoint({
    method: 'get',
    path: '/v1/grants/{id}/spend',
    tag: 'grants',
    summary: 'What is counted under a grant beside its limits, and the alerts about its money, newest first',
    access: { roles: ['operator', 'auditor', 'supervisor', 'buyer', 'billing'] },
    params: grantParams,
    query: pageQuery,
    answer: { status: 200, schema: spend },
    handle: async ({ caller, params: { id }, query: { limit, cursor } }) => {
      const grant = await spendingGrant(surface, caller, id);
      const list = { name: `spend ${id}`, reader: caller.principal.org.id };
      const rows = await listAlerts(db, id, {
        after: alertPosition(cursors.open(list, cursor)),
        limit: limit + 1,
      });
      const { items, nextCursor } = pageOf(rows, limit, ({ at, scope, capNano, percent }) =>
        cursors.seal(list, [at.toISOString(), scope, capNano, String(percent)]),
      );
      const head = { grant: id, revision: grant.revision, counters: await countersOf(surface, grant) };
      return json({ ...head, items: items.map((alert) => alertView(surface, alert)), nextCursor });
    },
  });
}

function alertPosition(sealed: readonly string[] | null): AlertPosition | null {
  const [at, scope, capNano, percent] = sealed ?? [];
  if (at === undefined || scope === undefined || capNano === undefined || percent === undefined) return null;
  return { at, scope, capNano, percent };
}
