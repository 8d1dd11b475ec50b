/** A buyer's request from its body: what was left out is null. */
import type { z } from '@hono/zod-openapi';
import type { jobAsk } from '../http/schemas.ts';
import type { BuyerAsk } from '../services/planning.ts';

export function buyerAsk(body: z.infer<typeof jobAsk>): BuyerAsk {
  const { grant, sql, purpose, scene = null, quote = null, outputKind = 'statistic' } = body;
  const { epsilon = null, delta = null, maxError = null, atSize = null } = body;
  return { grant, sql, purpose, scene, epsilon, delta, maxError, atSize, quote, outputKind };
}
