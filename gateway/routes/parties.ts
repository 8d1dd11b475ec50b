/** Routes about who is who: the caller, organisations and accounts. */
import { z } from '@hono/zod-openapi';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { namedKey } from '../auth/client-key.ts';
import { created } from '../http/creation.ts';
import { pageOf, pageQuery } from '../http/cursor.ts';
import { endpoint, type Endpoint, json } from '../http/endpoint.ts';
import {
  account,
  accountParams,
  me,
  newAccount,
  newOrganisation,
  nothing,
  organisation,
  pageSchema,
} from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { unknownParty } from '../services/grants.ts';
import { notFound } from '../services/permission.ts';
import { findAccount, saveAccount, saveOrganisation } from '../storage/parties.ts';
import {
  findOrganisation,
  listAccounts,
  type ListedAccount,
  listOrganisations,
} from '../storage/party-list.ts';
import { suspend } from '../storage/suspension.ts';

const OPERATORS = { roles: ['operator'] } as const;

export function partyRoutes(surface: Surface): readonly Endpoint[] {
  return [meRoute(), ...organisationRoutes(surface), ...accountRoutes(surface), revokeRoute(surface)];
}

function meRoute(): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/me',
    tag: 'parties',
    summary: 'Who the token stands for',
    access: 'account',
    answer: { status: 200, schema: me },
    handle: async ({ caller: { principal, organisationName } }) =>
      json({
        account: principal.id,
        organisation: { id: principal.org.id, name: organisationName },
        roles: principal.roles,
      }),
  });
}

function organisationRoutes(surface: Surface): readonly Endpoint[] {
  const { db, cursors } = surface;
  return [
    endpoint({
      method: 'post',
      path: '/v1/organisations',
      tag: 'parties',
      summary: 'Make an organisation, or change its description',
      access: OPERATORS,
      creates: true,
      body: newOrganisation,
      answer: { status: 201, schema: organisation },
      handle: async ({ caller, idempotency, body }) => {
        const { id, name, kind, region = 'unstated', sector = 'unstated' } = body;
        return created(surface, { account: caller.principal.id, idempotency }, async (inside) => {
          await saveOrganisation(inside, { id, name, region, sector, operator: kind === 'operator' });
          return (await findOrganisation(inside, id)) ?? {};
        });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/organisations',
      tag: 'parties',
      summary: 'Organisations, by id',
      access: OPERATORS,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(organisation) },
      handle: async ({ caller, query: { limit, cursor } }) => {
        const list = { name: 'organisations', reader: caller.principal.org.id };
        const [after = null] = cursors.open(list, cursor) ?? [];
        const rows = await listOrganisations(db, { after, limit: limit + 1 });
        return json(pageOf(rows, limit, ({ id }) => cursors.seal(list, [id])));
      },
    }),
  ];
}

function accountRoutes(surface: Surface): readonly Endpoint[] {
  const { db, cursors } = surface;
  return [
    endpoint({
      method: 'post',
      path: '/v1/accounts',
      tag: 'parties',
      summary: 'Make an account with its public key, or change its roles and key',
      access: OPERATORS,
      creates: true,
      body: newAccount,
      answer: { status: 201, schema: account },
      handle: async ({ caller, idempotency, body: { id, organisation: organisationId, roles, jwk } }) => {
        const key = await namedKey(jwk);
        return created(surface, { account: caller.principal.id, idempotency }, async (inside) => {
          const owner = await findOrganisation(inside, organisationId);
          if (owner === null) throw unknownParty('organisation');
          if (roles.includes('operator') && !owner.operator)
            throw new Refusal('PARAM', say('api.operatorOnly'));
          const known = await findAccount(inside, id);
          if (known !== null && known.organisationId !== organisationId) throw unknownParty('organisation');
          await saveAccount(inside, { id, organisationId, roles, keys: [key] });
          return accountResource({
            id,
            organisation: organisationId,
            roles,
            revoked: known?.revoked ?? false,
          });
        });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/accounts',
      tag: 'parties',
      summary: 'Accounts, by id, without their keys',
      access: OPERATORS,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(account) },
      handle: async ({ caller, query: { limit, cursor } }) => {
        const list = { name: 'accounts', reader: caller.principal.org.id };
        const [after = null] = cursors.open(list, cursor) ?? [];
        const rows = await listAccounts(db, { after, limit: limit + 1 });
        const { items, nextCursor } = pageOf(rows, limit, ({ id }) => cursors.seal(list, [id]));
        return json({ items: items.map(accountResource), nextCursor });
      },
    }),
  ];
}

function revokeRoute({ db }: Surface): Endpoint {
  return endpoint({
    method: 'post',
    path: '/v1/accounts/{id}/revoke',
    tag: 'parties',
    summary: 'Revoke an account at once, with all its unfinished jobs',
    access: OPERATORS,
    params: accountParams,
    body: z.union([nothing, z.undefined()]),
    answer: { status: 200, schema: account },
    handle: async ({ params: { id } }) => {
      const known = await findAccount(db, id);
      if (known === null) throw notFound();
      await suspend(db, 'account', id);
      const { organisationId, roles } = known;
      return json(accountResource({ id, organisation: organisationId, roles, revoked: true }));
    },
  });
}

function accountResource({ id, organisation: owner, roles, revoked }: ListedAccount): object {
  return { id, organisation: owner, roles, state: revoked ? 'revoked' : 'active' };
}
