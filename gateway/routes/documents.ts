/** Routes about filed documents: agreements, rate cards, price caps, revenue ceilings and products. */
import { z } from '@hono/zod-openapi';
import { created } from '../http/creation.ts';
import { pageOf, pageQuery } from '../http/cursor.ts';
import {
  filedDocument,
  documentKindParams,
  documentParams,
  documentQuery,
  wordingParams,
} from '../http/document-schemas.ts';
import { endpoint, type Endpoint, json } from '../http/endpoint.ts';
import { nothing, pageSchema } from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { actOn, documentResource, fileAs, getNewest, getWording, listSeen } from '../services/documents.ts';

export function documentRoutes(surface: Surface): readonly Endpoint[] {
  return [fileRoute(surface), ...readRoutes(surface), ...actRoutes(surface)];
}

function fileRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'post',
    path: '/v1/documents/{kind}',
    tag: 'documents',
    summary: 'File a document, or a new wording of one, which another account approves',
    access: 'account',
    creates: true,
    params: documentKindParams,
    body: z.record(z.string().max(100), z.unknown()),
    answer: { status: 201, schema: filedDocument },
    handle: async ({ caller, idempotency, language, params: { kind }, body }) =>
      created(surface, { account: caller.principal.id, idempotency }, async (inside) => {
        const filed = await fileAs(surface, inside, { caller, kind, value: body });
        return documentResource({ ...surface, db: inside }, caller, filed, language);
      }),
  });
}

function readRoutes(surface: Surface): readonly Endpoint[] {
  const { cursors } = surface;
  return [
    endpoint({
      method: 'get',
      path: '/v1/documents/{kind}',
      tag: 'documents',
      summary: 'The wordings of documents of a kind that the caller may read, by id and revision',
      access: 'account',
      params: documentKindParams,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(filedDocument) },
      handle: async ({ caller, language, params: { kind }, query: { limit, cursor } }) => {
        const list = { name: `documents ${kind}`, reader: caller.principal.org.id };
        const [id = '', revision = '0'] = cursors.open(list, cursor) ?? [];
        const rows = (await listSeen(surface, caller, kind)).filter(
          (row) => row.id > id || (row.id === id && row.revision > Number(revision)),
        );
        const { items, nextCursor } = pageOf(rows, limit, (last) =>
          cursors.seal(list, [last.id, String(last.revision)]),
        );
        const shown = items.map((row) => documentResource(surface, caller, row, language));
        return json({ items: await Promise.all(shown), nextCursor });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/documents/{kind}/{id}',
      tag: 'documents',
      summary: 'A document: its newest wording that the caller may read, or the one that is asked for',
      access: 'account',
      params: documentParams,
      query: documentQuery,
      answer: { status: 200, schema: filedDocument },
      handle: async ({ caller, language, params, query: { revision } }) => {
        const found =
          revision === undefined
            ? await getNewest(surface, caller, params)
            : await getWording(surface, caller, { ...params, revision });
        return json(await documentResource(surface, caller, found, language));
      },
    }),
  ];
}

const ACTS = {
  approve: 'Approve a wording, as somebody else than who filed it; it is in force between its dates',
  withdraw: 'Withdraw a wording from now on; an agreement takes the grants that rest on it with it',
} as const;

function actRoutes(surface: Surface): readonly Endpoint[] {
  return (['approve', 'withdraw'] as const).map((action) =>
    endpoint({
      method: 'post',
      path: `/v1/documents/{kind}/{id}/revisions/{revision}/${action}`,
      tag: 'documents',
      summary: ACTS[action],
      access: 'account',
      params: wordingParams,
      body: nothing,
      answer: { status: 200, schema: filedDocument },
      handle: async ({ caller, language, params }) =>
        json(
          await documentResource(
            surface,
            caller,
            await actOn(surface, caller, { ...params, action }),
            language,
          ),
        ),
    }),
  );
}
