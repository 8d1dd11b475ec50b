/**
 * The noise of an order to a key custodian, from its plan and the signed manifest of the encrypted dataset alone.
 *
 * Runner and custodian compute it each for itself: the runner to say what an answer will be worth, the custodian to
 * draw it. What one row adds to a measure is a polynomial of at most degree two in the row's encrypted values
 * (y = x − mid in grid integers) and its presences (0 or 1); how far that reaches follows from the manifest's bounds.
 * Guarantee: the sensitivity is R·max|row's value| with R and the bounds no smaller than the manifest's, whatever
 * an order states, so that no order can ask for less noise; a unit's rows may move between cells freely, because no
 * row is in two of them. An order whose largest sum and noise might wrap around the modulus is refused.
 * Not covered: a ciphertext that is another sum than its terms say.
 */
import { OrderError, type OrderMeasure, type OrderPlan, type OrderTerm } from '#crypto/he/order.ts';
import { noiseOf, type NoiseSpec, noiseTailOf } from '#sandbox/release/noise.ts';

/** An encrypted column: the bounds that its values were clamped to, in grid integers. */
export interface EncryptedColumn {
  readonly lowGrid: bigint;
  readonly highGrid: bigint;
  /** What was subtracted before encryption. */
  readonly midGrid: bigint;
  readonly nullable: boolean;
}

/** What noise depends on in an encrypted dataset. */
export interface EncryptedShape {
  /** The plaintext modulus. */
  readonly modulus: bigint;
  /** R: rows of one unit in all. */
  readonly rowsPerUnit: number;
  readonly maxRows: number;
  /** Cells that grouping by all clear columns has: no measure has more. */
  readonly maxCells: bigint;
  readonly columns: ReadonlyMap<string, EncryptedColumn>;
}

/** What one row adds to a measure, at least and at most, in grid integers; a row that is absent adds 0. */
export interface RowRange {
  readonly low: bigint;
  readonly high: bigint;
}

/** The factor that is 1 for every row. */
export const ROWS_FACTOR = '$rows';
const PRESENT = '$present';

/** The factor that is 1 where a row has a value of a nullable column. */
export function presenceFactor(column: string): string {
  return `${column}${PRESENT}`;
}

/**
 * The noise of each measure. OrderError PLAN_MALFORMED (columns, terms or cells that the dataset has not),
 * BOUNDS_TOO_NARROW (R or a range below the manifest's), RANGE_TOO_WIDE.
 */
export function noiseOfOrder(plan: OrderPlan, shape: EncryptedShape): readonly NoiseSpec[] {
  const { mechanism, cost, measures } = plan;
  if (plan.rowsPerUnit < shape.rowsPerUnit) throw new OrderError('BOUNDS_TOO_NARROW');
  if (BigInt(plan.cells) > shape.maxCells) throw new OrderError('PLAN_MALFORMED');
  if (mechanism === 'gaussian' && cost.unit !== 'rho') throw new OrderError('PLAN_MALFORMED');
  const charged = { unit: cost.unit, nano: BigInt(cost.nano) };
  return measures.map((measure) => {
    const reach = reachOf(measure, shape);
    const moved = BigInt(plan.rowsPerUnit) * reach;
    const noise = noiseOf(mechanism, charged, measures.length, { l1: moved, l2Squared: moved * moved });
    const largest = BigInt(shape.maxRows) * reach + noiseTailOf(noise);
    if (2n * largest >= shape.modulus) throw new OrderError('RANGE_TOO_WIDE');
    return noise;
  });
}

/**
 * What one row adds, exactly. OrderError PLAN_MALFORMED for unknown factors and for terms that are neither linear nor
 * of one or two columns.
 */
export function rowRangeOf(terms: readonly OrderTerm[], shape: Pick<EncryptedShape, 'columns'>): RowRange {
  const columns = columnsIn(terms, shape);
  const isLinear = terms.every(({ factors }) => factors.length === 1);
  const present = isLinear ? linearRange(terms, columns) : quadraticRange(terms, columns);
  return { low: least([0n, present.low]), high: greatest([0n, present.high]) };
}

/** The largest |value| of a row under the range that a measure states, which must hold what its terms can give. */
function reachOf(measure: OrderMeasure, shape: EncryptedShape): bigint {
  if (!fitsCircuit(measure, shape)) throw new OrderError('PLAN_MALFORMED');
  const range = rowRangeOf(measure.terms, shape);
  const [low, high] = [BigInt(measure.lowGrid), BigInt(measure.highGrid)];
  if (low > range.low || high < range.high) throw new OrderError('BOUNDS_TOO_NARROW');
  return greatest([-low, high]);
}

/** Whether terms are of the kind that a circuit's name says. */
function fitsCircuit({ circuit, terms }: OrderMeasure, shape: EncryptedShape): boolean {
  const columns = columnsIn(terms, shape);
  const named = [...columns.keys()].filter((name) => terms.some(({ factors }) => factors.includes(name)));
  const pairs = terms.filter(({ factors }) => factors.length === 2);
  const squares = pairs.filter(({ factors: [a, b] }) => a === b && columns.has(a!));
  switch (circuit) {
    case 'count':
      return named.length === 0 && terms.length === 1 && pairs.length === 0;
    case 'sum':
      return named.length === 1 && pairs.length === 0;
    case 'linear':
      return named.length >= 1 && pairs.length === 0;
    case 'squares':
      return named.length === 1 && squares.length > 0;
    case 'products':
      return named.length === 2 && squares.length === 0 && pairs.length > 0;
  }
}

/** The columns that terms speak of, by value or by presence. */
function columnsIn(
  terms: readonly OrderTerm[],
  { columns }: Pick<EncryptedShape, 'columns'>,
): ReadonlyMap<string, EncryptedColumn> {
  const found = new Map<string, EncryptedColumn>();
  for (const factor of terms.flatMap(({ factors }) => factors)) {
    if (factor === ROWS_FACTOR) continue;
    const isPresence = !columns.has(factor) && factor.endsWith(PRESENT);
    const name = isPresence ? factor.slice(0, -PRESENT.length) : factor;
    const column = columns.get(name);
    if (column === undefined || (isPresence && !column.nullable)) throw new OrderError('PLAN_MALFORMED');
    found.set(name, column);
  }
  return found;
}

/** Each column adds for itself, so the extremes of the sum are the sums of the extremes. */
function linearRange(terms: readonly OrderTerm[], columns: ReadonlyMap<string, EncryptedColumn>): RowRange {
  const weights = new Map<string, bigint>();
  for (const { weight, factors } of terms)
    weights.set(factors[0]!, (weights.get(factors[0]!) ?? 0n) + BigInt(weight));
  let low = weights.get(ROWS_FACTOR) ?? 0n;
  let high = low;
  for (const [name, column] of columns) {
    const presence = weights.get(presenceFactor(name)) ?? 0n;
    const ends = endsOf(column).map((end) => (weights.get(name) ?? 0n) * end + presence);
    const options = column.nullable ? [...ends, 0n] : ends;
    low += least(options);
    high += greatest(options);
  }
  return { low, high };
}

/** One column: a parabola between its ends. Two: a plane bent along products, whose extremes are at corners. */
function quadraticRange(
  terms: readonly OrderTerm[],
  columns: ReadonlyMap<string, EncryptedColumn>,
): RowRange {
  const names = [...columns.keys()];
  const hasSquare = terms.some(({ factors: [a, b] }) => a === b && columns.has(a!));
  if (names.length > 2 || (names.length === 2 && hasSquare)) throw new OrderError('PLAN_MALFORMED');
  const values = rowsOf(names, columns, terms).map((row) => valueOf(terms, row));
  return { low: least(values), high: greatest(values) };
}

/** Values of the factors of one row. */
type Row = ReadonlyMap<string, bigint>;

/** The rows among which the extremes are, with every column present or, where it may be, absent. */
function rowsOf(
  names: readonly string[],
  columns: ReadonlyMap<string, EncryptedColumn>,
  terms: readonly OrderTerm[],
): readonly Row[] {
  return names.reduce<readonly Row[]>(
    (rows, name) => {
      const column = columns.get(name)!;
      const turns = names.length === 1 ? turnsOf(terms, name, column) : [];
      const present = [...endsOf(column), ...turns].map((value) => [value, 1n] as const);
      const options = column.nullable ? [...present, [0n, 0n] as const] : present;
      return rows.flatMap((row) =>
        options.map(([value, presence]) => new Map(row).set(name, value).set(presenceFactor(name), presence)),
      );
    },
    [new Map([[ROWS_FACTOR, 1n]])],
  );
}

/** The integers beside the vertex −b/2a of the parabola in one column that is present. */
function turnsOf(terms: readonly OrderTerm[], name: string, column: EncryptedColumn): readonly bigint[] {
  const at = (value: bigint): bigint =>
    valueOf(
      terms,
      new Map([
        [ROWS_FACTOR, 1n],
        [name, value],
        [presenceFactor(name), 1n],
      ]),
    );
  const [before, middle, after] = [at(-1n), at(0n), at(1n)];
  // f(1) + f(−1) − 2f(0) = 2a and f(1) − f(−1) = 2b.
  const [twoA, twoB] = [after + before - 2n * middle, after - before];
  if (twoA === 0n) return [];
  const vertex = -twoB / (2n * twoA);
  const [low, high] = endsOf(column) as [bigint, bigint];
  return [vertex - 1n, vertex, vertex + 1n].filter((value) => low <= value && value <= high);
}

function valueOf(terms: readonly OrderTerm[], row: Row): bigint {
  return terms.reduce(
    (sum, { weight, factors }) =>
      sum + factors.reduce((product, factor) => product * row.get(factor)!, BigInt(weight)),
    0n,
  );
}

function endsOf({ lowGrid, highGrid, midGrid }: EncryptedColumn): readonly bigint[] {
  return [lowGrid - midGrid, highGrid - midGrid];
}

function least(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b < a ? b : a));
}

function greatest(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b > a ? b : a));
}
