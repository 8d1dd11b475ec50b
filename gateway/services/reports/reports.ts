/**
 * The reports about money and use: provider statement, buyer bill, price variance, self-dealing, usage, marked days.
 *
 * Guarantee: each is made of usage records that may be seen and of lines of statements, and of nothing else; one filter
 * per dimension; the period before beside the period. What a reader may not read is not in the sums.
 * Not covered: months that are not closed have usage, and no money yet.
 */
import type { Principal } from '#policies/request.ts';
import { DAYS_BEFORE, dayAfter, markDays } from '../../billing/anomaly.ts';
import { decimalText, shortDecimalText, unitsOf } from '../../billing/decimal.ts';
import { nextPeriod, periodBounds, previousPeriod } from '../../billing/period.ts';
import type { UsageDimension } from '../../billing/usage-dimension.ts';
import type { UsageDimensions } from '../../storage/oversight.ts';
import { exportLines, type ExportedLine, type LineFilter } from '../../storage/line-export.ts';
import { affiliatedOrganisations, countByDay, sumUsage, type UsageSum } from '../../storage/report-data.ts';
import { readersOf } from '../permission.ts';
import type { Shell } from '../shell.ts';
import { yuanOf } from './line-export.ts';
import { datasetsOf, termsOf } from './line-terms.ts';
import { columnsOf, type Figure, type Report, Sums } from './report.ts';

/** What a report is asked for. */
export interface ReportAsk {
  /** `2026-11`. */
  readonly month: string;
  /** One value, or null, in each dimension. */
  readonly filter: Omit<UsageDimensions, 'from' | 'to'>;
  /** Of `usage`. */
  readonly by: UsageDimension;
  /** Of lines: see LineFilter. */
  readonly reader: string | null;
}

type Maker = (shell: Shell, reader: Principal, ask: ReportAsk) => Promise<Report>;

export const MONTHLY_REPORTS = {
  provider: providerStatement,
  buyer: buyerBill,
  variance: priceVariance,
  'self-dealing': selfDealing,
  usage: usageSummary,
  anomalies: markedDays,
} as const satisfies Record<string, Maker>;

export type MonthlyReport = keyof typeof MONTHLY_REPORTS;

const NANO_PLACES = 9;

/** The figures of usage, of a period and the one before. */
function usageFigures(now: readonly UsageSum[], before: readonly UsageSum[]): readonly Figure[] {
  const sum = (rows: readonly UsageSum[], name: Exclude<keyof UsageSum, 'by'>): bigint =>
    rows.reduce((total, row) => total + BigInt(row[name]), 0n);
  const counted = (['runs', 'released', 'calls', 'rows', 'outputs', 'computeUnits'] as const).map((name) => ({
    name,
    title: `report.column.${name}` as const,
    value: String(sum(now, name)),
    previous: String(sum(before, name)),
  }));
  const quoted = (rows: readonly UsageSum[]): string => nanoText(sum(rows, 'quotedNano'));
  return [
    ...counted,
    { name: 'quotedYuan', title: 'report.column.quotedYuan', value: quoted(now), previous: quoted(before) },
  ];
}

function nanoText(nano: bigint): string {
  return decimalText(nano, NANO_PLACES);
}

const USAGE_COLUMNS = ['runs', 'released', 'calls', 'rows', 'outputs', 'computeUnits', 'quotedYuan'] as const;

function usageCells(row: UsageSum): readonly string[] {
  const { runs, released, calls, rows, outputs, computeUnits, quotedNano } = row;
  return [runs, released, calls, rows, outputs, computeUnits, nanoText(BigInt(quotedNano))];
}

/** Usage of a month and of the one before, as a reader may read it. */
async function usageOf(
  { db, timeZone }: Shell,
  reader: Principal,
  { ask, by }: { readonly ask: ReportAsk; readonly by: readonly UsageDimension[] },
): Promise<{
  readonly now: readonly UsageSum[];
  readonly before: readonly UsageSum[];
  readonly figures: readonly Figure[];
}> {
  const sums = async (month: string, dimensions: readonly UsageDimension[]): Promise<readonly UsageSum[]> => {
    const { from, to } = periodBounds(month, timeZone);
    const bounds = { from: from.toISOString(), to: to.toISOString() };
    return sumUsage(db, { ...ask.filter, ...bounds, readers: readersOf(reader, 'read_usage') }, dimensions);
  };
  const [now, before] = [await sums(ask.month, by), await sums(previousPeriod(ask.month), by)];
  // A run on two datasets is in two rows: the totals are counted by themselves.
  const totals = by.includes('dataset')
    ? [await sums(ask.month, ['outcome']), await sums(previousPeriod(ask.month), ['outcome'])]
    : [now, before];
  return { now, before, figures: usageFigures(totals[0] ?? [], totals[1] ?? []) };
}

/** The lines of a month's statements. */
function linesOf(
  { db }: Shell,
  { filter, reader }: ReportAsk,
  { from, to }: { readonly from: string; readonly to: string },
): AsyncGenerator<readonly ExportedLine[]> {
  const { buyer, provider, grant, dataset, product } = filter;
  const asked: LineFilter = {
    from,
    to,
    buyer,
    provider,
    grant,
    dataset,
    product,
    feeType: null,
    purposeClass: null,
    reader,
  };
  return exportLines(db, asked);
}

/** The money of a month and of the one before. */
async function amountFigure(
  shell: Shell,
  ask: ReportAsk,
  amountOf: (line: ExportedLine) => bigint,
): Promise<Figure> {
  const total = async (month: string): Promise<string> => {
    let fen = 0n;
    for await (const lines of linesOf(shell, ask, { from: month, to: month }))
      for (const line of lines) fen += amountOf(line);
    return yuanOf(fen);
  };
  return {
    name: 'amountYuan',
    title: 'report.column.amountYuan',
    value: await total(ask.month),
    previous: await total(previousPeriod(ask.month)),
  };
}

function fenOf({ body }: ExportedLine): bigint {
  return BigInt(body.amountFen);
}

/** What a provider's datasets were used for, by whom, and what they earned. */
async function providerStatement(shell: Shell, reader: Principal, ask: ReportAsk): Promise<Report> {
  const usage = await usageOf(shell, reader, { ask, by: ['dataset', 'buyer', 'purpose'] });
  const money = new Sums<readonly string[]>();
  const { provider } = ask.filter;
  for await (const lines of linesOf(shell, ask, { from: ask.month, to: ask.month })) {
    for (const line of lines) {
      const { body, buyer, shares } = line;
      const own = shares.filter(({ payee }) => provider === null || payee === provider);
      const share = (some: typeof own): bigint =>
        some.reduce((sum, { amountFen }) => sum + BigInt(amountFen), 0n);
      const key = [datasetsOf(body).join(' '), buyer, termsOf(body).purposeClass, body.feeType];
      money.add(key, [fenOf(line), share(own), share(own.filter(({ instructed }) => instructed))]);
    }
  }
  return {
    kind: 'provider',
    title: 'report.provider',
    period: ask.month,
    previous: previousPeriod(ask.month),
    figures: [...usage.figures, await amountFigure(shell, ask, fenOf)],
    tables: [
      {
        name: 'usage',
        title: 'report.table.usage',
        columns: columnsOf(['dataset', 'buyer', 'purpose', ...USAGE_COLUMNS]),
        rows: usage.now.map((row) => [
          row.by.dataset ?? null,
          row.by.buyer ?? null,
          row.by.purpose ?? null,
          ...usageCells(row),
        ]),
      },
      {
        name: 'money',
        title: 'report.table.money',
        columns: columnsOf([
          'datasets',
          'buyer',
          'purposeClass',
          'feeType',
          'amountYuan',
          'shareYuan',
          'instructedYuan',
        ]),
        rows: money.rows().map(({ key, sums }) => [...key, ...sums.map(yuanOf)]),
      },
    ],
  };
}

/** What a buyer is billed, quoted beside charged. */
async function buyerBill(shell: Shell, reader: Principal, ask: ReportAsk): Promise<Report> {
  const usage = await usageOf(shell, reader, { ask, by: ['grant', 'outcome'] });
  const money = new Sums<readonly (string | null)[]>();
  for await (const lines of linesOf(shell, ask, { from: ask.month, to: ask.month })) {
    for (const line of lines) {
      const { body } = line;
      const { grant, product, priceState } = termsOf(body);
      const key = [
        body.id,
        line.statementNumber,
        line.state,
        grant,
        product?.id ?? datasetsOf(body).join(' '),
        body.feeType,
        body.basis,
        body.originalPeriod,
        priceState,
        body.zeroReason,
      ];
      money.add(key, [BigInt(body.quantity), BigInt(body.quotedNano), fenOf(line), BigInt(body.taxFen)]);
    }
  }
  return {
    kind: 'buyer',
    title: 'report.buyer',
    period: ask.month,
    previous: previousPeriod(ask.month),
    figures: [...usage.figures, await amountFigure(shell, ask, fenOf)],
    tables: [
      {
        name: 'lines',
        title: 'report.table.lines',
        columns: columnsOf([
          'line',
          'statementNumber',
          'state',
          'grant',
          'product',
          'feeType',
          'basis',
          'originalPeriod',
          'priceState',
          'zeroReason',
          'quantity',
          'quotedYuan',
          'amountYuan',
          'taxYuan',
        ]),
        rows: money
          .rows()
          .map(({ key, sums: [quantity = 0n, quoted = 0n, fen = 0n, tax = 0n] }) => [
            ...key,
            String(quantity),
            nanoText(quoted),
            yuanOf(fen),
            yuanOf(tax),
          ]),
      },
      {
        name: 'usage',
        title: 'report.table.usage',
        columns: columnsOf(['grant', 'outcome', ...USAGE_COLUMNS]),
        rows: usage.now.map((row) => [row.by.grant ?? null, row.by.outcome ?? null, ...usageCells(row)]),
      },
    ],
  };
}

const PRECISE_PLACES = 24;

/** What a line would come to at the list price, with the card's tax and without a discount; null where it has none. */
function listPriceOf({ body }: ExportedLine): bigint | null {
  const { parts, tax } = termsOf(body);
  if (parts.length === 0) return null;
  const net = parts.reduce((sum, { amount }) => sum + unitsOf(amount, PRECISE_PLACES), 0n);
  const rate = tax === null || tax.inclusive ? 0n : BigInt(tax.rateBasisPoints);
  const list = (net * (10_000n + rate)) / 10_000n;
  return body.kind === 'reversal' ? -list : list;
}

/** Every line that is not at its list price, with the reason. */
async function priceVariance(shell: Shell, _reader: Principal, ask: ReportAsk): Promise<Report> {
  const rows: (readonly (string | null)[])[] = [];
  const deviates = ({ body }: ExportedLine): boolean =>
    termsOf(body).discount !== null || body.zeroReason !== null || termsOf(body).priceSource === 'negotiated';
  for await (const lines of linesOf(shell, ask, { from: ask.month, to: ask.month })) {
    for (const line of lines.filter(deviates)) {
      const { body, buyer } = line;
      const { grant, card, discount, priceSource } = termsOf(body);
      const list = listPriceOf(line);
      const precise = unitsOf(body.amountPrecise, PRECISE_PLACES);
      rows.push([
        body.id,
        buyer,
        grant,
        card === null ? null : `${card.id}/${card.revision}`,
        body.feeType,
        body.basis,
        body.quantity,
        discount?.reason ?? body.zeroReason ?? priceSource,
        discount === null ? null : String(discount.perMille),
        list === null ? null : preciseText(list),
        preciseText(precise),
        list === null ? null : preciseText(precise - list),
      ]);
    }
  }
  return {
    kind: 'variance',
    title: 'report.variance',
    period: ask.month,
    previous: previousPeriod(ask.month),
    figures: [await amountFigure(shell, ask, (line) => (deviates(line) ? fenOf(line) : 0n))],
    tables: [
      {
        name: 'deviations',
        title: 'report.table.deviations',
        columns: columnsOf([
          'line',
          'buyer',
          'grant',
          'card',
          'feeType',
          'basis',
          'quantity',
          'reason',
          'perMille',
          'listYuan',
          'chargedYuan',
          'differenceYuan',
        ]),
        rows,
      },
    ],
  };
}

function preciseText(value: bigint): string {
  return shortDecimalText(value, PRECISE_PLACES, 2);
}

/** What organisations affiliated with the operator used and paid, beside what others paid by the same charge. */
async function selfDealing(shell: Shell, reader: Principal, ask: ReportAsk): Promise<Report> {
  const affiliated = new Set(await affiliatedOrganisations(shell.db));
  const usage = await usageOf(shell, reader, { ask, by: ['buyer', 'grant', 'purpose', 'outcome'] });
  const own = { now: usage.now.filter(isAffiliated), before: usage.before.filter(isAffiliated) };
  const [theirs, others] = [new Sums<readonly string[]>(), new Map<string, bigint[]>()];
  for await (const lines of linesOf(shell, ask, { from: ask.month, to: ask.month })) {
    for (const line of lines) {
      const { body, buyer } = line;
      const { card, grant } = termsOf(body);
      const charge = `${card === null ? 'free' : card.id}/${body.feeType}/${body.basis}`;
      const [quantity, precise] = [BigInt(body.quantity), unitsOf(body.amountPrecise, PRECISE_PLACES)];
      if (affiliated.has(buyer)) theirs.add([buyer, grant, charge], [quantity, fenOf(line), precise]);
      else if (quantity > 0n) others.set(charge, [...(others.get(charge) ?? []), precise / quantity]);
    }
  }
  function isAffiliated(row: UsageSum): boolean {
    return affiliated.has(row.by.buyer ?? '');
  }
  return {
    kind: 'self-dealing',
    title: 'report.selfDealing',
    period: ask.month,
    previous: previousPeriod(ask.month),
    figures: [
      ...usageFigures(own.now, own.before),
      await amountFigure(shell, ask, (line) => (affiliated.has(line.buyer) ? fenOf(line) : 0n)),
    ],
    tables: [
      {
        name: 'affiliated',
        title: 'report.table.affiliated',
        columns: columnsOf(['organisation']),
        rows: [...affiliated].map((id) => [id]),
      },
      {
        name: 'usage',
        title: 'report.table.usage',
        columns: columnsOf(['buyer', 'grant', 'purpose', 'outcome', ...USAGE_COLUMNS]),
        rows: own.now.map((row) => [
          row.by.buyer ?? null,
          row.by.grant ?? null,
          row.by.purpose ?? null,
          row.by.outcome ?? null,
          ...usageCells(row),
        ]),
      },
      {
        name: 'prices',
        title: 'report.table.prices',
        columns: columnsOf([
          'buyer',
          'grant',
          'charge',
          'quantity',
          'amountYuan',
          'unitYuan',
          'othersLowYuan',
          'othersHighYuan',
        ]),
        rows: theirs.rows().map(({ key, sums: [quantity = 0n, fen = 0n, precise = 0n] }) => {
          const sorted = (others.get(key[2] ?? '') ?? []).toSorted((a, b) => (a < b ? -1 : 1));
          const text = (value: bigint | undefined): string | null =>
            value === undefined ? null : preciseText(value);
          const unit = quantity === 0n ? undefined : precise / quantity;
          return [...key, String(quantity), yuanOf(fen), text(unit), text(sorted[0]), text(sorted.at(-1))];
        }),
      },
    ],
  };
}

/** Usage by one dimension. */
async function usageSummary(shell: Shell, reader: Principal, ask: ReportAsk): Promise<Report> {
  const { now, before, figures } = await usageOf(shell, reader, { ask, by: [ask.by] });
  const earlier = new Map(before.map((row) => [row.by[ask.by] ?? null, row.runs]));
  return {
    kind: 'usage',
    title: 'report.usage',
    period: ask.month,
    previous: previousPeriod(ask.month),
    figures,
    tables: [
      {
        name: 'usage',
        title: 'report.table.usage',
        columns: columnsOf([ask.by, ...USAGE_COLUMNS, 'previousRuns']),
        rows: now.map((row) => {
          const value = row.by[ask.by] ?? null;
          return [value, ...usageCells(row), earlier.get(value) ?? '0'];
        }),
      },
    ],
  };
}

/** Days on which a grant was used far more than in the four weeks before. */
async function markedDays(shell: Shell, reader: Principal, ask: ReportAsk): Promise<Report> {
  const { db, timeZone } = shell;
  const marksIn = async (month: string): Promise<readonly (readonly string[])[]> => {
    const { from, to } = periodBounds(month, timeZone);
    const begin = new Date(from.getTime() - (DAYS_BEFORE + 1) * 86_400_000).toISOString();
    const filter = {
      ...ask.filter,
      from: begin,
      to: to.toISOString(),
      readers: readersOf(reader, 'read_usage'),
    };
    const counts = await countByDay(db, filter, timeZone);
    const days = { from: `${month}-01`, to: dayAfter(`${nextPeriod(month)}-01`, -1) };
    return [...Map.groupBy(counts, ({ grant }) => grant)].flatMap(([grant, rows]) => {
      const byDay = new Map(rows.map(({ day, events }) => [day, BigInt(events)]));
      const first = rows[0]?.first ?? days.from;
      return markDays(byDay, { first, ...days }).map(({ day, events, median, mad, most }) => [
        grant,
        day,
        events,
        median,
        mad,
        most,
      ]);
    });
  };
  const rows = await marksIn(ask.month);
  const before = await marksIn(previousPeriod(ask.month));
  return {
    kind: 'anomalies',
    title: 'report.anomalies',
    period: ask.month,
    previous: previousPeriod(ask.month),
    figures: [
      {
        name: 'markedDays',
        title: 'report.column.markedDays',
        value: String(rows.length),
        previous: String(before.length),
      },
    ],
    tables: [
      {
        name: 'marks',
        title: 'report.table.marks',
        columns: columnsOf(['grant', 'day', 'events', 'median', 'mad', 'most']),
        rows,
      },
    ],
  };
}
