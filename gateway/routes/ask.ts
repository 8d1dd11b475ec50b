/** A buyer's request from its body: what was left out is null, and a query, a program or a product is asked for. */
import type { z } from '@hono/zod-openapi';
import type { jobAsk } from '../http/schemas.ts';
import { say } from '#policies/words.ts';
import { FieldFaults } from '../problem.ts';
import type { SentAsk } from '../services/planning.ts';

/** Of a request for a program: its parameters may be the weights of a model, a million numbers of up to 25 characters. */
const PROGRAM_BYTES_MAX = 2 ** 25;
/** Of a query. */
const QUERY_BYTES_MAX = 2 ** 20;

/** How long requests may be, for their routes. */
export const ASK_BYTES = {
  bodyBytesMax: PROGRAM_BYTES_MAX,
  bodyBytesMaxOf: (value: unknown): number =>
    typeof value === 'object' && value !== null && 'program' in value ? PROGRAM_BYTES_MAX : QUERY_BYTES_MAX,
} as const;

/**
 * The request: what was left out is null. FieldFaults for both a query and a program, or neither, but where a product says
 * what is computed.
 */
export function buyerAsk(body: z.infer<typeof jobAsk>): SentAsk {
  const { grant, purpose, scene = null, quote = null, outputKind = 'statistic', costCentre = null } = body;
  const { epsilon = null, delta = null, maxError = null, atSize = null } = body;
  const { sql, program, params = null, product = null, parameters } = body;
  const privacy = { epsilon, delta, maxError, atSize };
  const terms = { grant, purpose, scene, ...privacy, quote, outputKind, costCentre, product };
  const isCall = product !== null && sql === undefined && program === undefined && params === null;
  if (isCall) return { ...terms, frontEnd: 'product', parameters: parameters ?? {} };
  if (parameters !== undefined)
    throw new FieldFaults([{ field: 'parameters', rule: say('product.parametersOfProduct') }]);
  if (sql !== undefined && program === undefined && params === null)
    return { ...terms, frontEnd: 'sql', sql };
  if (program !== undefined && sql === undefined) return { ...terms, frontEnd: 'program', program, params };
  throw new FieldFaults([{ field: sql === undefined ? 'sql' : 'program', rule: say('programs.orSql') }]);
}
