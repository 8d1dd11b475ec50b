/** One filter per dimension of usage, as queries have it. */
import { z } from '@hono/zod-openapi';
import type { UsageDimensions } from '../storage/oversight.ts';

const instant = z.iso.datetime({ offset: true }).optional();
const id = z.string().min(1).max(200).optional();

/** Fields of a query: each holds one value, and records match all that are given. */
export const usageDimensions = {
  from: instant,
  to: instant,
  grant: id,
  account: id,
  buyer: id,
  provider: id,
  dataset: id,
  purpose: id,
  scene: id,
  outcome: z.enum(['released', 'refused', 'failed']).optional(),
  product: id,
};

/** The filter of such fields. */
export function filterOf(query: {
  readonly [Name in keyof UsageDimensions]?: UsageDimensions[Name] | undefined;
}): UsageDimensions {
  const { from = null, to = null, grant = null, account = null, buyer = null, provider = null } = query;
  const { dataset = null, purpose = null, scene = null, outcome = null, product = null } = query;
  return { from, to, grant, account, buyer, provider, dataset, purpose, scene, outcome, product };
}
