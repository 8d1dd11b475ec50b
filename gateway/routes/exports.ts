/** Routes for files of any size: usage, and where the log stands. */
import { z } from '@hono/zod-openapi';
import { endpoint, type Endpoint, json, streamed } from '../http/endpoint.ts';
import type { Surface } from '../http/surface.ts';
import { filterOf, usageDimensions } from '../http/usage-query.ts';
import { HttpFault } from '../problem.ts';
import { ownSide, readerOf } from '../services/reports/access.ts';
import { focusFile } from '../services/reports/focus.ts';
import { lineFile } from '../services/reports/line-export.ts';
import { FILE_FORMATS, type FileFormat, usageFile } from '../services/reports/usage-export.ts';
import { PURPOSE_CLASSES } from '#policies/purpose.ts';
import { FEE_TYPES } from '../billing/facts.ts';
import { isPeriod } from '../billing/period.ts';
import type { LineFilter } from '../storage/line-export.ts';
import { currentPosition, type Extract } from '../storage/usage-export.ts';
import { say } from '#policies/words.ts';

const format = z.enum(FILE_FORMATS).default('jsonl');
const TYPES = { jsonl: 'application/x-ndjson', csv: 'text/csv' } as const satisfies Record<
  FileFormat,
  string
>;
const FILE = { status: 200, schema: z.string(), also: Object.values(TYPES) } as const;

export function exportRoutes(surface: Surface): readonly Endpoint[] {
  return [usageRoute(surface), positionRoute(surface), ...lineRoutes(surface)];
}

const leaf = z.string().regex(/^(-1|\d{1,18})$/);
const position = { leaf, at: z.iso.datetime({ offset: true }) };
const usageQuery = z.strictObject({
  ...usageDimensions,
  format,
  afterLeaf: leaf.optional(),
  afterAt: position.at.optional(),
  throughLeaf: leaf.optional(),
  throughAt: position.at.optional(),
});

function usageRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/exports/usage',
    tag: 'exports',
    summary:
      'All usage as CloudEvents 1.0, one to a line, or as CSV; with `through…`, only what came to be seen between two positions',
    access: { actions: ['read_usage'] },
    query: usageQuery,
    answer: FILE,
    handle: async ({ caller, query }) => {
      const { format: as, afterLeaf, afterAt, throughLeaf, throughAt, ...dimensions } = query;
      const extract = extractOf({ afterLeaf, afterAt }, { throughLeaf, throughAt });
      const filter = filterOf(dimensions);
      return streamed(usageFile(surface, caller, { filter, format: as, extract }), TYPES[as]);
    },
  });
}

/** Both parts of a position, or neither; a beginning only with an end. */
function extractOf(
  { afterLeaf, afterAt }: Readonly<Record<'afterLeaf' | 'afterAt', string | undefined>>,
  { throughLeaf, throughAt }: Readonly<Record<'throughLeaf' | 'throughAt', string | undefined>>,
): Extract | null {
  const after = afterLeaf !== undefined && afterAt !== undefined ? { leaf: afterLeaf, at: afterAt } : null;
  const isHalf = (afterLeaf === undefined) !== (afterAt === undefined);
  if (throughLeaf !== undefined && throughAt !== undefined && !isHalf)
    return { after, through: { leaf: throughLeaf, at: throughAt } };
  if ([afterLeaf, afterAt, throughLeaf, throughAt].every((part) => part === undefined)) return null;
  throw new HttpFault('BAD_REQUEST', say('reports.extract'));
}

function positionRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/exports/position',
    tag: 'exports',
    summary: 'Where the log stands: the end of an export that is continued later',
    access: { actions: ['read_usage'] },
    answer: { status: 200, schema: z.object(position) },
    handle: async () => json(await currentPosition(surface.db)),
  });
}

const month = z.string().refine(isPeriod);
const id = z.string().min(1).max(200).optional();
const lineQuery = z.strictObject({
  month,
  to: month.optional(),
  buyer: id,
  provider: id,
  grant: id,
  dataset: id,
  product: id,
  feeType: z.enum(FEE_TYPES).optional(),
  purposeClass: z.enum(PURPOSE_CLASSES).optional(),
  format,
});

function lineRoutes(surface: Surface): readonly Endpoint[] {
  const { db, timeZone } = surface;
  const lineRoute = (
    name: 'lines' | 'focus',
    summary: string,
    file: (ask: { filter: LineFilter; format: FileFormat }) => AsyncGenerator<string>,
  ): Endpoint =>
    endpoint({
      method: 'get',
      path: `/v1/exports/${name}`,
      tag: 'exports',
      summary,
      access: { roles: ['operator', 'buyer', 'billing', 'auditor', 'supervisor'] },
      query: lineQuery,
      answer: FILE,
      handle: async ({ caller: { principal }, query }) => {
        const { format: as, month: from, to = from, ...asked } = query;
        const { provider = null, grant = null, dataset = null, product = null } = asked;
        const { feeType = null, purposeClass = null } = asked;
        const buyer = ownSide(principal, 'buyer', asked.buyer ?? null);
        const reader = readerOf(principal);
        const filter = { from, to, buyer, provider, grant, dataset, product, feeType, purposeClass, reader };
        return streamed(file({ filter, format: as }), TYPES[as]);
      },
    });
  return [
    lineRoute(
      'lines',
      'The lines of the statements of a month, or of several, as CloudEvents 1.0 (unseen.cost.line) or as CSV',
      (ask) => lineFile(db, ask),
    ),
    lineRoute('focus', 'The same lines as FOCUS 1.4 Cost and Usage', (ask) =>
      focusFile(db, { ...ask, timeZone }),
    ),
  ];
}
