/** Routes that stop and resume: datasets, organisations and grants. Each stop kills what runs under it. */
import { z } from '@hono/zod-openapi';
import { endpoint, type Endpoint, json } from '../http/endpoint.ts';
import {
  accountParams,
  dataset,
  datasetParams,
  grant,
  grantParams,
  nothing,
  organisation,
} from '../http/schemas.ts';
import type { Surface } from '../http/surface.ts';
import { datasetSummary } from '../services/dataset-view.ts';
import { getGrant, grantResource, suspendGrant } from '../services/grants.ts';
import { stopDataset, stopOrganisation } from '../services/stops.ts';

const EMPTY = z.union([nothing, z.undefined()]);

export function stopRoutes(surface: Surface): readonly Endpoint[] {
  return [...datasetStops(surface), ...organisationStops(surface), ...grantStops(surface)];
}

const OF_DATASETS = {
  suspend: 'Suspend a dataset at once, with every job on it',
  resume: 'End the suspension of a dataset; what it stopped stays stopped',
  withdraw: 'Withdraw a dataset for good, with every job on it',
} as const;

function datasetStops(surface: Surface): readonly Endpoint[] {
  return (['suspend', 'resume', 'withdraw'] as const).map((act) =>
    endpoint({
      method: 'post',
      path: `/v1/datasets/{name}/${act}`,
      tag: 'catalogue',
      summary: OF_DATASETS[act],
      access: act === 'resume' ? { roles: ['operator'] } : { actions: ['suspend'] },
      params: datasetParams,
      body: EMPTY,
      answer: { status: 200, schema: dataset },
      handle: async ({ caller, params: { name } }) =>
        json(datasetSummary(await stopDataset(surface, caller, { name, act }))),
    }),
  );
}

const OF_ORGANISATIONS = {
  suspend: 'Suspend an organisation at once: what it asks, and what is asked of its data',
  resume: 'End the suspension of an organisation; what it stopped stays stopped',
} as const;

function organisationStops(surface: Surface): readonly Endpoint[] {
  return (['suspend', 'resume'] as const).map((act) =>
    endpoint({
      method: 'post',
      path: `/v1/organisations/{id}/${act}`,
      tag: 'parties',
      summary: OF_ORGANISATIONS[act],
      access: act === 'resume' ? { roles: ['operator'] } : { actions: ['suspend_organisation'] },
      params: accountParams,
      body: EMPTY,
      answer: { status: 200, schema: organisation },
      handle: async ({ caller, params: { id } }) =>
        json(await stopOrganisation(surface, caller, { id, act })),
    }),
  );
}

const OF_GRANTS = {
  suspend: 'Suspend a grant at once, with every job under it',
  resume: 'End the suspension of a grant; what it stopped stays stopped',
} as const;

function grantStops(surface: Surface): readonly Endpoint[] {
  return (['suspend', 'resume'] as const).map((act) =>
    endpoint({
      method: 'post',
      path: `/v1/grants/{id}/${act}`,
      tag: 'grants',
      summary: OF_GRANTS[act],
      access: act === 'resume' ? { roles: ['operator'] } : { actions: ['suspend'] },
      params: grantParams,
      body: EMPTY,
      answer: { status: 200, schema: grant },
      handle: async ({ caller, language, params: { id } }) => {
        await suspendGrant(surface, caller, await getGrant(surface, caller, id), act);
        return json(grantResource(surface, await getGrant(surface, caller, id), language));
      },
    }),
  );
}
