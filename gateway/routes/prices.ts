/** Routes about prices: the public list, deviations from the revenue ceiling with their tasks, and the separate ledger. */
import { Refusal } from '#policies/refusal.ts';
import type { Role } from '#policies/roles.ts';
import { say } from '#policies/words.ts';
import { findCostEntryFaults, parseCostEntries } from '../billing/cost-ledger.ts';
import { created } from '../http/creation.ts';
import { type Caller, endpoint, type Endpoint, json, openEndpoint } from '../http/endpoint.ts';
import {
  costBooks,
  costEntries,
  deviations,
  enteredCosts,
  historyQuery,
  priceHistories,
  priceList,
  priceTask,
  priceTasks,
  taskEnd,
  yearAsk,
  yearQuery,
} from '../http/price-schemas.ts';
import type { Surface } from '../http/surface.ts';
import { FieldFaults } from '../problem.ts';
import {
  costsOf,
  deviationResource,
  deviationsOf,
  endTask,
  enterCosts,
  priceHistory,
  priceTasks as tasksOf,
  publicPrices,
} from '../services/prices.ts';

const STAFF = { roles: ['operator', 'billing'] } as const;
const READERS = { roles: ['operator', 'billing', 'auditor', 'supervisor'] } as const;

export function priceRoutes(surface: Surface): readonly Endpoint[] {
  return [...listRoutes(surface), ...deviationRoutes(surface), ...ledgerRoutes(surface)];
}

function listRoutes(surface: Surface): readonly Endpoint[] {
  return [
    openEndpoint({
      method: 'get',
      path: '/v1/prices',
      tag: 'prices',
      summary:
        'The public list: products, prices in force with their state and source, and the history of each',
      answer: { status: 200, schema: priceList },
      handle: async ({ language }) => json(await publicPrices(surface, language)),
    }),
    openEndpoint({
      method: 'get',
      path: '/v1/prices/history',
      tag: 'prices',
      summary: 'Every published wording of every price, or of one, in force or not',
      query: historyQuery,
      answer: { status: 200, schema: priceHistories },
      handle: async ({ query: { id }, language }) => json(await priceHistory(surface, id ?? null, language)),
    }),
  ];
}

function deviationRoutes(surface: Surface): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/price-deviations',
      tag: 'prices',
      summary: 'How far a year’s revenue is from its ceilings; opens the tasks of a year that is over, once',
      access: STAFF,
      body: yearAsk,
      answer: { status: 200, schema: deviations },
      handle: async ({ caller, body: { year }, language }) => {
        checkSide(caller);
        const found = await deviationsOf(surface, year);
        return json({ items: found.map((one) => deviationResource(surface, one, language)) });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/price-tasks',
      tag: 'prices',
      summary: 'Tasks that deviations opened, open ones first',
      access: READERS,
      answer: { status: 200, schema: priceTasks },
      handle: async ({ caller }) => {
        checkSide(caller);
        return json({ items: await tasksOf(surface) });
      },
    }),
    endpoint({
      method: 'post',
      path: '/v1/price-tasks/close',
      tag: 'prices',
      summary: 'Close the task of a year and ceiling, with what came of it',
      access: STAFF,
      body: taskEnd,
      answer: { status: 200, schema: priceTask },
      handle: async ({ caller, body }) => {
        checkSide(caller);
        return json(await endTask(surface, caller, body));
      },
    }),
  ];
}

function ledgerRoutes(surface: Surface): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/costs',
      tag: 'prices',
      summary: 'Enter costs of authorised operation by purpose class, or undo entries; all of them or none',
      access: STAFF,
      creates: true,
      bodyBytesMax: 1_048_576,
      body: costEntries,
      answer: { status: 201, schema: enteredCosts },
      handle: async ({ caller, idempotency, body }) => {
        checkSide(caller);
        const faults = findCostEntryFaults(body);
        if (faults.length > 0)
          throw new FieldFaults(faults.map((rule) => ({ field: String(rule.args['field']), rule })));
        const costs = parseCostEntries(body);
        const account = caller.principal.id;
        return created(surface, { account, idempotency }, async (inside) => ({
          items: await enterCosts(surface, inside, costs, account),
        }));
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/costs',
      tag: 'prices',
      summary: 'The separate ledger of a year: each purpose class by itself, and its entries',
      access: READERS,
      query: yearQuery,
      answer: { status: 200, schema: costBooks },
      handle: async ({ caller, query: { year }, language }) => {
        checkSide(caller);
        return json(await costsOf(surface, year, language));
      },
    }),
  ];
}

/** Who bills for a buyer or a provider has no part in the operator's books. */
function checkSide({ principal: { roles, org } }: Caller): void {
  const mayRead: readonly Role[] = ['operator', 'auditor', 'supervisor'];
  if (org.operator || roles.some((role) => mayRead.includes(role))) return;
  throw new Refusal('NO_GRANT', say('price.operatorOnly'));
}
