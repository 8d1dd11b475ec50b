/** Routes of reports and reconciliation. */
import { z } from '@hono/zod-openapi';
import { ROLES } from '#policies/roles.ts';
import type { Principal } from '#policies/request.ts';
import { say } from '#policies/words.ts';
import { isPeriod } from '../billing/period.ts';
import { type Caller, endpoint, type Endpoint, json, text } from '../http/endpoint.ts';
import type { Surface } from '../http/surface.ts';
import { filterOf, usageDimensions } from '../http/usage-query.ts';
import { HttpFault } from '../problem.ts';
import { runReconciliation } from '../services/reconciliation.ts';
import { demandOversight, ownSide, readerOf } from '../services/reports/access.ts';
import { annualReport } from '../services/reports/annual.ts';
import { type Report, reportCsv, reportJson } from '../services/reports/report.ts';
import { MONTHLY_REPORTS, type MonthlyReport } from '../services/reports/reports.ts';
import { USAGE_DIMENSIONS } from '../billing/usage-dimension.ts';

const month = z.string().refine(isPeriod);
const { from: _from, to: _to, ...filters } = usageDimensions;

export function reportRoutes(surface: Surface): readonly Endpoint[] {
  return [reportRoute(surface), reconciliationRoute(surface)];
}

const KINDS = [...(Object.keys(MONTHLY_REPORTS) as MonthlyReport[]), 'annual'] as const;

const reportSchema = z.looseObject({
  kind: z.string(),
  title: z.string(),
  period: z.string(),
  previous: z.string(),
  figures: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      value: z.string(),
      previous: z.string(),
      change: z.string(),
    }),
  ),
  tables: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      columns: z.array(z.object({ name: z.string(), title: z.string() })),
      rows: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
    }),
  ),
});

const reportQuery = z.strictObject({
  ...filters,
  month: month.optional(),
  year: z.coerce.number().int().min(2000).max(9999).optional(),
  by: z.enum(USAGE_DIMENSIONS).default('dataset'),
  format: z.enum(['json', 'csv']).default('json'),
});

type ReportQuery = z.output<typeof reportQuery>;

function reportRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/reports/{kind}',
    tag: 'reports',
    summary:
      'A report: figures of a month or year beside those of the one before, and tables; one filter per dimension',
    access: { roles: ROLES },
    params: z.strictObject({ kind: z.enum(KINDS) }),
    query: reportQuery,
    answer: { status: 200, schema: reportSchema, also: ['text/csv'] },
    handle: async ({ caller, language, params: { kind }, query }) => {
      const report = await reportOf(surface, caller, { kind, query });
      return query.format === 'csv'
        ? text(reportCsv(report), 'text/csv')
        : json(reportJson(report, language));
    },
  });
}

async function reportOf(
  surface: Surface,
  { principal }: Caller,
  { kind, query }: { readonly kind: (typeof KINDS)[number]; readonly query: ReportQuery },
): Promise<Report> {
  const { month: period, year, by, format: _format, ...dimensions } = query;
  if (kind === 'annual') {
    demandOversight(principal);
    if (year === undefined || period !== undefined) throw new HttpFault('BAD_REQUEST', say('reports.period'));
    return annualReport(surface, principal, year);
  }
  if (period === undefined || year !== undefined) throw new HttpFault('BAD_REQUEST', say('reports.period'));
  const filter = filterFor(kind, principal, filterOf(dimensions));
  return MONTHLY_REPORTS[kind](surface, principal, {
    month: period,
    filter,
    by,
    reader: readerOf(principal),
  });
}

type Filter = ReturnType<typeof filterOf>;

/** What this reader may ask of a report: everything, or his own side. Usage is filtered record by record. */
function filterFor(kind: MonthlyReport, principal: Principal, filter: Filter): Filter {
  switch (kind) {
    case 'provider':
      return { ...filter, provider: ownSide(principal, 'provider', filter.provider) };
    case 'buyer':
      return { ...filter, buyer: ownSide(principal, 'buyer', filter.buyer) };
    case 'variance':
    case 'self-dealing':
      demandOversight(principal);
      return filter;
    case 'usage':
    case 'anomalies':
      return filter;
  }
}

const reconciliation = z.looseObject({
  month: z.string().nullable(),
  at: z.iso.datetime({ offset: true }),
  rules: z.number().int(),
  ms: z.number().int(),
  breaches: z.array(z.object({ rule: z.number().int(), name: z.string(), rows: z.array(z.string()) })),
});

function reconciliationRoute(surface: Surface): Endpoint {
  return endpoint({
    method: 'get',
    path: '/v1/reconciliation',
    tag: 'reports',
    summary:
      'Checks now that usage, evidence, bills and settlement agree: over a month of the bills, or everything',
    access: { roles: ['operator', 'billing', 'auditor', 'supervisor'] },
    query: z.strictObject({ month: month.optional() }),
    answer: { status: 200, schema: reconciliation },
    handle: async ({ caller, query }) => {
      demandOversight(caller.principal);
      const { timeZone } = surface;
      return json(await runReconciliation(surface.db, { month: query.month ?? null, timeZone }));
    },
  });
}
