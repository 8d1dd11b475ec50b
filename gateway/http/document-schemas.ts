/** The schemas of filed documents in the API. What a body may say, its own form says, field by field. */
import { z } from '@hono/zod-openapi';
import { DOCUMENT_KINDS } from '../storage/documents.ts';

const kind = z.enum(DOCUMENT_KINDS);
const id = z.string().min(1).max(128);
const revision = z.coerce.number().int().min(1).max(1_000_000);
const moment = z.iso.datetime({ offset: true });
const act = z.object({ by: z.string().nullable(), at: moment });

export const documentKindParams = z.strictObject({ kind });
export const documentParams = z.strictObject({ kind, id });
export const wordingParams = z.strictObject({ kind, id, revision });
export const documentQuery = z.strictObject({ revision: revision.optional() });

export const filedDocument = z.object({
  kind,
  id: z.string(),
  revision: z.int(),
  state: z.enum(['filed', 'approved', 'active', 'ended', 'withdrawn']),
  /** Null where parts of it are not for the reader. */
  digest: z.string().nullable(),
  from: moment,
  to: moment.nullable(),
  filed: act,
  approved: act.nullable(),
  withdrawnAt: moment.nullable(),
  /** What to think about before it is approved. */
  warnings: z.array(z.string()),
  body: z.looseObject({}),
});
