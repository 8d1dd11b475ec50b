/** Stored cells to the outputs a buyer sees: names, HAVING, ORDER BY, LIMIT and key formats, on released values only. */
import type {
  OrderTerm,
  Plan,
  Presentation,
  ReleasedCell,
  ReleasedPredicate,
  ReleasedValue,
} from '../plan.ts';
import { type CompareOperator, type Scalar, typeOf, isInOrder } from '../expression.ts';
import { offsetOf } from './zone.ts';

/** One value of an answer, as it is sent. */
export interface Output extends ReleasedValue {
  readonly name: string;
  readonly key: Readonly<Record<string, Scalar>> | null;
}

/** The outputs of an answer: ORDER BY, else domain order (listed) or ascending (thresholded), then SELECT order. */
export function present(
  plan: Plan,
  cells: readonly ReleasedCell[],
  presentation: Presentation,
): readonly Output[] {
  const kept = cells.filter(
    (cell) => presentation.having === null || holds(presentation.having, cell, presentation) === true,
  );
  const ordered =
    plan.keys.mode === 'thresholded' ? kept.toSorted((a, b) => compareKeys(a.key, b.key)) : kept;
  const sorted =
    presentation.orderBy.length === 0 ? ordered : ordered.toSorted((a, b) => compareBy(presentation, a, b));
  const end = presentation.limit === null ? undefined : presentation.offset + presentation.limit;
  return sorted.slice(presentation.offset, end).flatMap((cell) => outputsOf(plan, cell, presentation));
}

function outputsOf(plan: Plan, cell: ReleasedCell, presentation: Presentation): readonly Output[] {
  const key = keyOf(plan, cell, presentation);
  return presentation.outputs.flatMap((output) => {
    const values = cell.values[output.aggregate]!;
    const keyAt = keysWithin(output, key, values.length);
    return values.map((value, index) => ({ name: output.name, key: keyAt(index), ...value }));
  });
}

/** The key of a cell's value by its place: values run over the output's own keys, and then over bins or entries. */
function keysWithin(
  { by = [], binKey }: Presentation['outputs'][number],
  key: Record<string, Scalar> | null,
  count: number,
): (index: number) => Record<string, Scalar> | null {
  const cells = by.reduce<readonly Record<string, Scalar>[]>(
    (prefixes, { name, values }) =>
      prefixes.flatMap((prefix) => values.map((value) => ({ ...prefix, [name]: value }))),
    [{}],
  );
  const bins = count / cells.length;
  return (index) => {
    const within = {
      ...cells[Math.floor(index / bins)],
      ...(binKey !== null && { [binKey]: (index % bins) + 1 }),
    };
    return by.length === 0 && binKey === null ? key : { ...key, ...within };
  };
}

function keyOf(plan: Plan, cell: ReleasedCell, presentation: Presentation): Record<string, Scalar> | null {
  const { keys } = plan;
  const places = cell.keys ?? presentation.keyNames.map((_, index) => index);
  if (keys.mode === 'none' || places.length === 0) return null;
  const entries = places.map((index, place) => {
    const name = presentation.keyNames[index]!;
    const value = cell.key[place]!;
    const isInstant = typeOf(keys.keys[index]!.expr) === 'timestamp' && typeof value === 'string';
    return [name, isInstant ? `${value}${offsetOf(value, plan.dataset.timeZone)}` : value] as const;
  });
  return Object.fromEntries(entries);
}

function termValue(term: OrderTerm, cell: ReleasedCell, presentation: Presentation): Scalar {
  return term.kind === 'key'
    ? cell.key[term.key]!
    : cell.values[presentation.outputs[term.output]!.aggregate]![0]!.value;
}

/** SQL's three-valued logic over released values; null is unknown. */
function holds(predicate: ReleasedPredicate, cell: ReleasedCell, presentation: Presentation): boolean | null {
  switch (predicate.op) {
    case 'not': {
      const value = holds(predicate.arg, cell, presentation);
      return value === null ? null : !value;
    }
    case 'and':
    case 'or': {
      const decisive = predicate.op === 'or';
      const values = predicate.args.map((arg) => holds(arg, cell, presentation));
      if (values.includes(decisive)) return decisive;
      return values.includes(null) ? null : !decisive;
    }
    case 'compare':
      return compared(termValue(predicate.left, cell, presentation), predicate.operator, predicate.right);
  }
}

function compared(left: Scalar, operator: CompareOperator, right: Scalar): boolean | null {
  return left === null || right === null ? null : isInOrder(compareScalars(left, right), operator);
}

function compareBy(presentation: Presentation, a: ReleasedCell, b: ReleasedCell): number {
  for (const { by, descending, nullsFirst } of presentation.orderBy) {
    const [left, right] = [termValue(by, a, presentation), termValue(by, b, presentation)];
    if (left === null || right === null) {
      if (left === right) continue;
      return (left === null) === nullsFirst ? -1 : 1;
    }
    const order = compareScalars(left, right);
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}

function compareKeys(a: readonly Scalar[], b: readonly Scalar[]): number {
  for (const [index, left] of a.entries()) {
    const order = compareScalars(left!, b[index]!);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers by size, text by its UTF-8 bytes, false before true. */
function compareScalars(a: NonNullable<Scalar>, b: NonNullable<Scalar>): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}
