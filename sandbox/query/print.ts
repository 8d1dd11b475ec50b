/**
 * Plan to engine SQL: contributions bounded inside the engine, in exact integers.
 *
 * One scan, one group-by per unit and cell, one group-by per cell; where each row is a unit the inner one falls
 * away. Vectors of many entries per cell (histogram, quantile) have a query of their own. Sums are taken in
 * doubles where every partial sum is an integer below 2^53 (exact and order-free there), else in 128-bit integers.
 */
import type { Dataset } from '../manifest/dataset.ts';
import { type BoundedArgument, expressionsOf, type Measure, midGridOf, type Plan, widthOf } from '../plan.ts';
import { inverseOf } from './bounds.ts';
import { centredReach } from '../release/sensitivity.ts';
import { unitColumn } from '../planning.ts';
import { columnsOf, type Expr } from '../expression.ts';
import { joinsOf, printCell, printKeyFilter } from './print-cell.ts';
import { ExpressionPrinter, printNumber } from './print-expression.ts';
import { gridName, type PhysicalColumns, printScan } from './scan.ts';

/** A query and what its result columns are. */
export interface PrintedQuery {
  readonly sql: string;
  /** Whether `$1`, the lineage's secret seed of the keyed hash, is to be bound. */
  readonly usesSeed: boolean;
  /**
   * Result columns, in order: the cell number (listed) or the key values (thresholded); then, `wide`, the bin
   * number and its count for the one measure; else one integer per measure.
   */
  readonly measures: readonly number[];
  readonly wide: boolean;
}

const EXACT_DOUBLE = 2n ** 53n;

/** All queries of a Plan. */
export function printPlan(plan: Plan, dataset: Dataset, physical: PhysicalColumns): readonly PrintedQuery[] {
  const scalar = plan.measures.flatMap((measure, index) =>
    widthOf(measure) === 1 && !isWide(measure) ? [index] : [],
  );
  const wide = plan.measures.flatMap((measure, index) => (isWide(measure) ? [index] : []));
  const queries = wide.map((index) => new QueryPrinter(plan, dataset, physical).wide(index));
  return scalar.length === 0
    ? queries
    : [new QueryPrinter(plan, dataset, physical).scalars(scalar), ...queries];
}

/** Whether a measure is printed as rows of (cell, bin, count). */
function isWide(measure: Measure): measure is Extract<Measure, { bins: number }> {
  return measure.kind === 'histogram' || measure.kind === 'quantile';
}

class QueryPrinter {
  readonly #plan: Plan;
  readonly #dataset: Dataset;
  readonly #physical: PhysicalColumns;
  readonly #expressions = new ExpressionPrinter();
  readonly #ctes: string[] = [];

  constructor(plan: Plan, dataset: Dataset, physical: PhysicalColumns) {
    this.#plan = plan;
    this.#dataset = dataset;
    this.#physical = physical;
  }

  scalars(measures: readonly number[]): PrintedQuery {
    const chosen = measures.map((index) => this.#plan.measures[index]!);
    const args = this.#argumentsOf(chosen);
    this.#rows(args);
    this.#gridColumns(args, chosen);
    const final = this.#plan.unit === null ? this.#perRow(chosen, args) : this.#perUnit(chosen, args);
    return { sql: this.#assemble(final), usesSeed: this.#choosesCells, measures, wide: false };
  }

  wide(index: number): PrintedQuery {
    const measure = this.#plan.measures[index]!;
    if (!isWide(measure)) throw new RangeError('a scalar measure has no bins');
    this.#rows([argumentText(measure)]);
    const [low, high] =
      measure.kind === 'histogram'
        ? [measure.low, measure.high]
        : [measure.argument.low, measure.argument.high];
    this.#ctes.push(
      `b AS (SELECT *, ${printBin('a0', low, high, measure.bins)} AS bin FROM f WHERE a0 IS NOT NULL)`,
    );
    const kept = this.#plan.unit === null ? 'b' : this.#chosenRows();
    const sql = this.#assemble(
      `SELECT ${this.#cell}, bin, count(*) FROM ${kept} GROUP BY ${this.#cell}, bin`,
    );
    return { sql, usesSeed: this.#plan.unit !== null, measures: [index], wide: true };
  }

  /** The cell columns of every later stage. */
  get #cell(): string {
    const { keys } = this.#plan;
    return keys.mode === 'thresholded' ? keys.keys.map((_, index) => `k${index}`).join(', ') : 'cell';
  }

  get #choosesCells(): boolean {
    return this.#plan.unit !== null && this.#plan.bounding.chooseCells;
  }

  /**
   * What the keyed choices hash: the unit itself, whatever else is in the data. A prepared copy numbers its units anew,
   * and one unit more would number, and so choose, differently for all; it keeps the hash beside the number.
   */
  get #unitHash(): string {
    return this.#physical.prepared === null ? 'hash(u)' : 'h';
  }

  /** The columns that identify a row's unit. */
  get #unitColumns(): string {
    return this.#physical.prepared === null ? 'u' : 'u, h';
  }

  /** s: the scan; e1, e2 …: computed columns; f: u, cell and arguments of the rows that count. */
  #rows(args: readonly (Expr | null)[]): void {
    const { where, keys } = this.#plan;
    const print = (expr: Expr): string => this.#expressions.printAsColumn(expr);
    const condition = where === null ? null : this.#expressions.print(where);
    const keyColumns = keys.mode === 'none' ? [] : keys.keys.map((key) => print(key.expr));
    const values = args
      .map((arg, index) => (arg === null ? null : `${print(arg)} AS a${index}`))
      .filter((value) => value !== null);
    const grids = args.flatMap((arg, index) =>
      this.#hasStoredGrid(arg) ? [`${gridName(arg.name)} AS sg${index}`] : [],
    );
    const needed = new Set<string>();
    const keyExprs = keys.mode === 'none' ? [] : keys.keys.map((key) => key.expr);
    for (const expr of [...args, ...keyExprs, where]) if (expr !== null) columnsOf(expr, needed);
    this.#ctes.push(`s AS (${printScan(this.#dataset, unitColumn(this.#dataset), needed, this.#physical)})`);
    const source = this.#computed();
    const unit = this.#plan.unit === null ? [] : [this.#unitColumns];
    const items = [...unit, ...printCell(keys, keyColumns, this.#physical), ...values, ...grids];
    const filters = [...(condition === null ? [] : [condition]), ...printKeyFilter(keys, keyColumns)];
    const joined = `${source}${joinsOf(keys, keyColumns, this.#physical)}`;
    this.#ctes.push(
      `r AS (SELECT ${items.join(', ')} FROM ${joined}${filters.length === 0 ? '' : ` WHERE ${filters.join(' AND ')}`})`,
    );
    this.#ctes.push(`f AS (SELECT * FROM r${keys.mode === 'listed' ? ' WHERE cell IS NOT NULL' : ''})`);
  }

  #hasStoredGrid(arg: Expr | null): arg is Extract<Expr, { op: 'column' }> {
    return arg?.op === 'column' && this.#physical.prepared?.grids.has(arg.name) === true;
  }

  #computed(): string {
    let source = 's';
    for (const [index, columns] of this.#expressions.stages.entries()) {
      const items = columns.map((column) => `${column.sql} AS ${column.name}`);
      this.#ctes.push(`e${index + 1} AS (SELECT *, ${items.join(', ')} FROM ${source})`);
      source = `e${index + 1}`;
    }
    return source;
  }

  /** Each argument once; `rows` of no argument need none. */
  #argumentsOf(measures: readonly Measure[]): readonly Expr[] {
    const exprs = measures.map(argumentText).filter((expr) => expr !== null);
    return [...new Map(exprs.map((expr) => [JSON.stringify(expr), expr])).values()];
  }

  /** g: grid integers (as doubles) of every bounded argument, and their distance from the middle. */
  #gridColumns(args: readonly Expr[], measures: readonly Measure[]): void {
    const columns = measures.flatMap((measure) => {
      if (measure.kind !== 'sum' && measure.kind !== 'centredSum' && measure.kind !== 'centredSquares')
        return [];
      const index = indexOf(args, measure.argument.expr);
      const grid = this.#hasStoredGrid(measure.argument.expr)
        ? `sg${index}`
        : printGrid(`a${index}`, measure.argument);
      return measure.kind === 'sum'
        ? [`${grid} AS g${index}`]
        : [`${grid} - ${printNumber(Number(midGridOf(measure.argument)))} AS y${index}`];
    });
    const unique = [...new Set(columns)];
    this.#ctes.push(`g AS (SELECT *${unique.map((column) => `, ${column}`).join('')} FROM f)`);
  }

  /** Each row is a unit and lies in one cell: sums per cell are already bounded. */
  #perRow(measures: readonly Measure[], args: readonly Expr[]): string {
    const items = measures.map((measure) => `coalesce(${this.#innerSum(measure, args)}, 0)`);
    return this.#grouped('g', items, measures);
  }

  /** p: sums per unit and cell; q: the cells each unit keeps; then what each unit contributes, summed per cell. */
  #perUnit(measures: readonly Measure[], args: readonly Expr[]): string {
    const counts = args.map((_, index) => `count(a${index}) AS n${index}`);
    const sums = measures.flatMap((measure) =>
      needsSum(measure) ? [`${this.#innerSum(measure, args)} AS ${sumName(measure, args)}`] : [],
    );
    const hash = this.#choosesCells && this.#physical.prepared !== null ? ['any_value(h) AS h'] : [];
    const items = ['count(*) AS c', ...hash, ...counts, ...new Set(sums)];
    this.#ctes.push(`p AS (SELECT u, ${this.#cell}, ${items.join(', ')} FROM g GROUP BY u, ${this.#cell})`);
    const kept = this.#choosesCells ? this.#chosenCells('p') : 'p';
    return this.#grouped(
      kept,
      measures.map((measure) => this.#outerSum(measure, args)),
      measures,
    );
  }

  /** A unit in more cells than it may contribute to keeps those of smallest keyed hash, which never sees values. */
  #chosenCells(source: string): string {
    const { cellsPerUnit } = this.#plan.bounding;
    const order = `hash(${this.#unitHash}, ${this.#cell}, $1), ${this.#cell}`;
    this.#ctes.push(
      `q AS (SELECT * FROM ${source} QUALIFY row_number() OVER (PARTITION BY u ORDER BY ${order}) <= ${cellsPerUnit})`,
    );
    return 'q';
  }

  /**
   * At most R rows of a unit in a cell, by the keyed hash of unit, cell and the row's ordinal among the unit's own
   * rows there in bin order: rows of one bin are alike, so no position in the file matters.
   */
  #chosenRows(): string {
    let rows = 'b';
    if (this.#choosesCells) {
      this.#ctes.push(`d AS (SELECT DISTINCT ${this.#unitColumns}, ${this.#cell} FROM f)`);
      this.#ctes.push(
        `bk AS (SELECT b.* FROM b JOIN ${this.#chosenCells('d')} AS q0 USING (u, ${this.#cell}))`,
      );
      rows = 'bk';
    }
    const own = `PARTITION BY u, ${this.#cell} ORDER BY`;
    this.#ctes.push(
      `o AS (SELECT ${this.#unitColumns}, ${this.#cell}, bin, row_number() OVER (${own} bin) AS o FROM ${rows})`,
    );
    const rank = `row_number() OVER (${own} hash(${this.#unitHash}, ${this.#cell}, o, $1), o)`;
    this.#ctes.push(`w AS (SELECT * FROM o QUALIFY ${rank} <= ${this.#plan.bounding.rowsPerUnit})`);
    return 'w';
  }

  #grouped(source: string, items: readonly string[], measures: readonly Measure[]): string {
    const { keys, minimumCohort } = this.#plan;
    const integers = items.map((item, index) => `CAST(${item} AS HUGEINT) AS m${index}`);
    if (measures.length !== items.length) throw new RangeError('one item per measure');
    const having = keys.mode === 'thresholded' ? ` HAVING count(*) >= ${minimumCohort}` : '';
    return `SELECT ${this.#cell}, ${integers.join(', ')} FROM ${source} GROUP BY ${this.#cell}${having}`;
  }

  #innerSum(measure: Measure, args: readonly Expr[]): string {
    switch (measure.kind) {
      case 'units':
        return 'count(*)';
      case 'rows':
        return measure.argument === null ? 'count(*)' : `count(a${indexOf(args, measure.argument)})`;
      case 'sum':
        return `sum(${this.#summable(`g${indexOf(args, measure.argument.expr)}`, gridReach(measure.argument))})`;
      case 'centredSum':
        return `sum(${this.#summable(`y${indexOf(args, measure.argument.expr)}`, centredReach(measure.argument))})`;
      case 'centredSquares': {
        const y = `y${indexOf(args, measure.argument.expr)}`;
        const reach = centredReach(measure.argument);
        if (reach * reach < EXACT_DOUBLE) return `sum(${this.#summable(`${y} * ${y}`, reach * reach)})`;
        return `sum(CAST(${y} AS HUGEINT) * CAST(${y} AS HUGEINT))`;
      }
      default:
        throw new RangeError('a wide measure has no sum');
    }
  }

  #outerSum(measure: Measure, args: readonly Expr[]): string {
    const rows = this.#plan.bounding.rowsPerUnit;
    switch (measure.kind) {
      case 'units':
        return 'count(*)';
      case 'rows':
        return `coalesce(sum(least(${measure.argument === null ? 'c' : `n${indexOf(args, measure.argument)}`}, ${rows})), 0)`;
      case 'sum': {
        const { lowGrid, highGrid } = measure.argument;
        const [low, high] = [
          BigInt(rows) * (lowGrid < 0n ? lowGrid : 0n),
          BigInt(rows) * (highGrid > 0n ? highGrid : 0n),
        ];
        const sum = sumName(measure, args);
        return `coalesce(sum(CASE WHEN ${sum} < ${low} THEN ${low} WHEN ${sum} > ${high} THEN ${high} ELSE CAST(${sum} AS HUGEINT) END), 0)`;
      }
      case 'centredSum':
      case 'centredSquares': {
        const [sum, count] = [
          `CAST(${sumName(measure, args)} AS HUGEINT)`,
          `n${indexOf(args, measure.argument.expr)}`,
        ];
        // trunc(R·S/c) without the product that could overflow: S = q·c + r with r of the sign of S.
        const weighted = `${rows} * (${sum} // ${count}) + (${rows} * (${sum} % ${count})) // ${count}`;
        return `coalesce(sum(CASE WHEN ${count} > ${rows} THEN ${weighted} ELSE ${sum} END), 0)`;
      }
      default:
        throw new RangeError('a wide measure has no sum');
    }
  }

  /** A double that holds integers, or the same as a 128-bit integer where a sum of doubles could be inexact. */
  #summable(column: string, reach: bigint): string {
    const exact = reach * BigInt(this.#plan.dataset.maxRows) < EXACT_DOUBLE;
    return exact ? column : `CAST(${column} AS HUGEINT)`;
  }

  #assemble(final: string): string {
    return `WITH ${this.#ctes.join(',\n')}\n${final}`;
  }
}

function argumentText(measure: Measure): Expr | null {
  return expressionsOf(measure)[0] ?? null;
}

function indexOf(args: readonly Expr[], expr: Expr): number {
  const text = JSON.stringify(expr);
  return args.findIndex((arg) => JSON.stringify(arg) === text);
}

function needsSum(measure: Measure): boolean {
  return measure.kind === 'sum' || measure.kind === 'centredSum' || measure.kind === 'centredSquares';
}

function sumName(measure: Measure, args: readonly Expr[]): string {
  const prefix = { sum: 's', centredSum: 'ys', centredSquares: 'yy' }[measure.kind as 'sum'];
  return `${prefix}${indexOf(args, argumentText(measure)!)}`;
}

function gridReach({ lowGrid, highGrid }: BoundedArgument): bigint {
  const [low, high] = [lowGrid < 0n ? -lowGrid : lowGrid, highGrid < 0n ? -highGrid : highGrid];
  return low > high ? low : high;
}

/** floor(clamp(x) · (1/g) + 1/2) as a double; NULL stays NULL. */
export function printGrid(column: string, { low, high, grid }: BoundedArgument): string {
  const [lowText, highText] = [printNumber(low), printNumber(high)];
  const clamped = `CASE WHEN ${column} < ${lowText} THEN ${lowText} WHEN ${column} > ${highText} THEN ${highText} ELSE ${column} END`;
  return `floor((${clamped}) * ${printNumber(inverseOf(grid))} + 0.5e0)`;
}

/** The bin of a value, from 0; values beyond the ends belong to the end bins. */
function printBin(column: string, low: number, high: number, bins: number): string {
  const [lowText, highText, count] = [low, high, bins].map(printNumber);
  const inside = `least(${printNumber(bins - 1)}, floor((${column} - ${lowText}) * ${count} / (${highText} - ${lowText})))`;
  return `CAST(CASE WHEN ${column} < ${lowText} THEN 0e0 WHEN ${column} >= ${highText} THEN ${printNumber(bins - 1)} ELSE ${inside} END AS INTEGER)`;
}
