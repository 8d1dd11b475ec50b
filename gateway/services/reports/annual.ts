/**
 * The annual report of authorised operation in six blocks: overall operation; costs; actual income and profit; sales volume
 * and income of each product; deviation from the ceiling; price adjustments.
 *
 * Guarantee: built from usage records, lines of statements, the separate ledger and filed documents alone; the year before
 * stands beside the year. Reading it opens no task and changes nothing.
 * Not covered: months that are not closed have usage and no income yet.
 *
 * The six blocks: 国家发展改革委、国家数据局《关于建立公共数据资源授权运营价格形成机制的通知》（发改价格〔2025〕65号）.
 */
import type { Principal } from '#policies/request.ts';
import { PURPOSE_CLASSES, type PurposeClass } from '#policies/purpose.ts';
import { instantText } from '#sandbox/release/zone.ts';
import { costsByClass } from '../../billing/cost-ledger.ts';
import { deviationOf } from '../../billing/deviation.ts';
import { periodBounds } from '../../billing/period.ts';
import type { PriceCap } from '../../billing/price-cap.ts';
import { pricesOf, type RateCard } from '../../billing/rate-card.ts';
import { permittedFen } from '../../billing/revenue-ceiling.ts';
import type { UsageDimension } from '../../billing/usage-dimension.ts';
import { type FiledDocument, listDocuments } from '../../storage/documents.ts';
import { exportLines } from '../../storage/line-export.ts';
import { revenueOf } from '../../storage/price-revenue.ts';
import { sumUsage, type UsageSum } from '../../storage/report-data.ts';
import { readersOf } from '../permission.ts';
import { ceilingOfYear, ceilingsOf, ledgerSums } from '../price-checks.ts';
import type { Shell } from '../shell.ts';
import { yuanOf } from './line-export.ts';
import { datasetsOf, termsOf } from './line-terms.ts';
import { columnsOf, type Figure, type Report, type ReportTable, Sums } from './report.ts';

/** The report of a year. */
export async function annualReport(shell: Shell, reader: Principal, year: number): Promise<Report> {
  const [now, before] = [await yearOf(shell, reader, year), await yearOf(shell, reader, year - 1)];
  const figure = (name: FigureName): Figure => ({
    name,
    title: `report.column.${name}`,
    value: now.figures[name],
    previous: before.figures[name],
  });
  return {
    kind: 'annual',
    title: 'report.annual',
    period: String(year),
    previous: String(year - 1),
    figures: FIGURES.map(figure),
    tables: [
      now.operation,
      now.costs,
      now.profit,
      now.sales,
      await deviationTable(shell, year),
      await adjustmentTable(shell, year),
    ],
  };
}

const FIGURES = ['runs', 'released', 'buyers', 'grants', 'costsYuan', 'incomeYuan', 'profitYuan'] as const;

type FigureName = (typeof FIGURES)[number];

interface YearData {
  readonly figures: Readonly<Record<FigureName, string>>;
  readonly operation: ReportTable;
  readonly costs: ReportTable;
  readonly profit: ReportTable;
  readonly sales: ReportTable;
}

async function yearOf(shell: Shell, reader: Principal, year: number): Promise<YearData> {
  const { db, timeZone } = shell;
  const [{ from }, { to }] = [periodBounds(`${year}-01`, timeZone), periodBounds(`${year}-12`, timeZone)];
  const usage = (by: readonly UsageDimension[]): Promise<readonly UsageSum[]> =>
    sumUsage(
      db,
      {
        ...NO_FILTER,
        from: from.toISOString(),
        to: to.toISOString(),
        readers: readersOf(reader, 'read_usage'),
      },
      by,
    );
  const operation = await usage(['purposeClass', 'outcome']);
  const sold = await usage(['product', 'dataset']);
  const income = await incomeOf(shell, year);
  const costs = costsByClass(await ledgerSums(db, year));
  const profits = costs.map(({ purposeClass, netCostsFen, otherIncomeFen }) => {
    const sales = income.byClass.get(purposeClass) ?? 0n;
    return { purposeClass, sales, otherIncomeFen, netCostsFen, profit: sales + otherIncomeFen - netCostsFen };
  });
  const total = (values: readonly bigint[]): string => yuanOf(values.reduce((sum, fen) => sum + fen, 0n));
  const runs = (name: 'runs' | 'released'): string =>
    String(operation.reduce((sum, row) => sum + BigInt(row[name]), 0n));
  return {
    figures: {
      runs: runs('runs'),
      released: runs('released'),
      buyers: String((await usage(['buyer'])).length),
      grants: String((await usage(['grant'])).length),
      costsYuan: total(profits.map(({ netCostsFen }) => netCostsFen)),
      incomeYuan: total(profits.map(({ sales, otherIncomeFen }) => sales + otherIncomeFen)),
      profitYuan: total(profits.map(({ profit }) => profit)),
    },
    ...tablesOf({ operation, costs, profits, sold, income }),
  };
}

/** What the tables of a year are made of. */
interface YearSums {
  readonly operation: readonly UsageSum[];
  readonly costs: ReturnType<typeof costsByClass>;
  readonly profits: readonly {
    readonly purposeClass: PurposeClass;
    readonly sales: bigint;
    readonly otherIncomeFen: bigint;
    readonly netCostsFen: bigint;
    readonly profit: bigint;
  }[];
  readonly sold: readonly UsageSum[];
  readonly income: Awaited<ReturnType<typeof incomeOf>>;
}

/** The first four blocks. */
function tablesOf({ operation, costs, profits, sold, income }: YearSums): Omit<YearData, 'figures'> {
  return {
    operation: {
      name: 'operation',
      title: 'report.block.operation',
      columns: columnsOf(['purposeClass', 'outcome', 'runs', 'calls', 'rows', 'outputs']),
      rows: operation.map(({ by, runs: count, calls, rows, outputs }) => [
        by.purposeClass ?? null,
        by.outcome ?? null,
        count,
        calls,
        rows,
        outputs,
      ]),
    },
    costs: {
      name: 'costs',
      title: 'report.block.costs',
      columns: columnsOf(['purposeClass', 'category', 'amountYuan']),
      rows: costs.flatMap(({ purposeClass, items }) =>
        items
          .filter(({ amountFen }) => amountFen !== 0n)
          .map(({ category, amountFen }) => [purposeClass, category, yuanOf(amountFen)]),
      ),
    },
    profit: {
      name: 'profit',
      title: 'report.block.profit',
      columns: columnsOf(['purposeClass', 'salesYuan', 'otherIncomeYuan', 'costsYuan', 'profitYuan']),
      rows: profits.map(({ purposeClass, sales, otherIncomeFen, netCostsFen, profit }) => [
        purposeClass,
        yuanOf(sales),
        yuanOf(otherIncomeFen),
        yuanOf(netCostsFen),
        yuanOf(profit),
      ]),
    },
    sales: {
      name: 'sales',
      title: 'report.block.sales',
      columns: columnsOf(['product', 'dataset', 'runs', 'calls', 'rows', 'outputs', 'amountYuan']),
      rows: sold.map(({ by, runs: count, calls, rows, outputs }) => {
        const [product, dataset] = [by.product ?? null, by.dataset ?? null];
        const fen = income.bySubject.get(JSON.stringify([product, dataset])) ?? 0n;
        return [product, dataset, count, calls, rows, outputs, yuanOf(fen)];
      }),
    },
  };
}

const NO_FILTER = {
  grant: null,
  account: null,
  buyer: null,
  provider: null,
  dataset: null,
  purpose: null,
  scene: null,
  outcome: null,
  product: null,
};

/**
 * What stands on statements that were issued, by class, and by product and dataset. A line about several datasets is
 * counted with the first of them in its order.
 */
async function incomeOf(
  { db }: Shell,
  year: number,
): Promise<{
  readonly byClass: ReadonlyMap<PurposeClass, bigint>;
  readonly bySubject: ReadonlyMap<string, bigint>;
}> {
  const byClass = new Map<PurposeClass, bigint>(PURPOSE_CLASSES.map((name) => [name, 0n]));
  const bySubject = new Sums<readonly (string | null)[]>();
  const filter = {
    from: `${year}-01`,
    to: `${year}-12`,
    ...NO_FILTER,
    feeType: null,
    purposeClass: null,
    reader: null,
  };
  for await (const lines of exportLines(db, filter)) {
    for (const { body, state } of lines) {
      if (state !== 'issued' && state !== 'settled') continue;
      const { purposeClass, product } = termsOf(body);
      const fen = BigInt(body.amountFen);
      byClass.set(purposeClass, (byClass.get(purposeClass) ?? 0n) + fen);
      bySubject.add([product?.id ?? null, datasetsOf(body).toSorted()[0] ?? null], [fen]);
    }
  }
  return {
    byClass,
    bySubject: new Map(bySubject.rows().map(({ key, sums }) => [JSON.stringify(key), sums[0] ?? 0n])),
  };
}

/** How far the year's revenue is from each ceiling over it. */
async function deviationTable({ db, timeZone }: Shell, year: number): Promise<ReportTable> {
  const ids = [...new Set((await listDocuments(db, 'RevenueCeiling')).map(({ id }) => id))];
  const rows: (readonly (string | null)[])[] = [];
  for (const id of ids) {
    const ceiling = ceilingOfYear(await ceilingsOf(db, id), year, timeZone);
    if (ceiling === null) continue;
    const { countedFen } = await revenueOf(db, { ...ceiling, year });
    const found = deviationOf({ ceilingFen: permittedFen(ceiling, year), revenueFen: BigInt(countedFen) });
    const { ceilingFen, revenueFen, differenceFen, percent, direction, task } = found;
    rows.push([id, yuanOf(ceilingFen), yuanOf(revenueFen), yuanOf(differenceFen), percent, direction, task]);
  }
  return {
    name: 'deviation',
    title: 'report.block.deviation',
    columns: columnsOf([
      'ceiling',
      'ceilingYuan',
      'incomeYuan',
      'differenceYuan',
      'percent',
      'direction',
      'task',
    ]),
    rows,
  };
}

/** Wordings of rate cards and caps that began in the year, each beside the wording before it. */
async function adjustmentTable({ db, timeZone }: Shell, year: number): Promise<ReportTable> {
  const documents = [...(await listDocuments(db, 'RateCard')), ...(await listDocuments(db, 'PriceCap'))];
  const approved = documents.filter(({ approvedAt }) => approvedAt !== null);
  const rows = approved
    .filter(({ effectiveFrom }) => instantText(effectiveFrom.getTime(), timeZone).startsWith(`${year}-`))
    .map((document) => {
      const before = approved.findLast(
        ({ kind, id, revision }) =>
          kind === document.kind && id === document.id && revision < document.revision,
      );
      return [
        document.kind,
        document.id,
        String(document.revision),
        instantText(document.effectiveFrom.getTime(), timeZone),
        stateOf(document),
        before === undefined ? null : pricesText(before),
        pricesText(document),
      ];
    });
  return {
    name: 'adjustments',
    title: 'report.block.adjustments',
    columns: columnsOf(['kind', 'id', 'revision', 'from', 'priceState', 'before', 'after']),
    rows,
  };
}

function stateOf({ kind, body }: FiledDocument): string | null {
  return kind === 'RateCard' ? (body as RateCard).state : null;
}

/** `calls 0.004/1; rows 0.10/1000, 0.05/1000`: yuan for so many units. */
function pricesText({ kind, body }: FiledDocument): string {
  if (kind === 'PriceCap')
    return (body as PriceCap).caps
      .map(({ basis, maxUnitPrice, per }) => `${basis} ${maxUnitPrice}/${per}`)
      .join('; ');
  return (body as RateCard).charges
    .map((charge) => {
      const { per, prices } = pricesOf(charge);
      return `${charge.basis} ${prices.map((price) => `${price}/${per}`).join(', ') || '0'}`;
    })
    .join('; ');
}
