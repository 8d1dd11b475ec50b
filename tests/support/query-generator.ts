/**
 * Generated SELECT statements that are in scope, each with the meaning it is meant to have and the features it uses.
 *
 * INVARIANT: every statement is one that the front end accepts for the given dataset and policy, so that a
 * refusal is a defect of one of the two.
 */
import * as fc from 'fast-check';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import type { Aggregate } from '#sandbox/plan.ts';
import { type Expr, type ScalarType, operandsOf, typeOf } from '#sandbox/expression.ts';
import { AMOUNT_COLUMN, ORDER_COLUMN } from './dataset-generator.ts';
import { boundedNumbers, terms } from './expression-generator.ts';
import type { Meant, MeantAggregate } from './meaning.ts';
import {
  type Naming,
  type Term,
  bucketTerm,
  chosenTerm,
  columnTerm,
  extractTerm,
  literalTerm,
  truncTerm,
} from './sql-term.ts';

export interface GeneratedQuery extends Meant {
  readonly sql: string;
  /** Members of `FEATURES`. */
  readonly features: ReadonlySet<string>;
}

const FORMS = ['table', 'alias', 'renaming CTE', 'sub-query', 'computing CTE', 'two CTEs'] as const;

/** Everything the generators are to produce at least once. */
export const FEATURES: readonly string[] = [
  'column literal and or not isNull in like case negate coalesce widthBucket'.split(' '),
  ['=', '<>', '<', '<=', '>', '>='].map((operator) => `compare ${operator}`),
  ['+', '-', '*', '/', '%'].map((operator) => `arithmetic ${operator}`),
  ['abs', 'floor', 'ceil', 'sqrt', 'ln', 'exp'].map((fn) => `numeric ${fn}`),
  ['year', 'quarter', 'month', 'week', 'day', 'hour'].map((unit) => `dateTrunc ${unit}`),
  ['year', 'quarter', 'month', 'day', 'dow', 'hour'].map((field) => `extract ${field}`),
  ['count', 'countUnits', 'sum', 'avg', 'variance', 'stddev', 'quantile', 'histogram'].map(
    (fn) => `aggregate ${fn}`,
  ),
  FORMS.map((form) => `from ${form}`),
  ['0 keys', '1 keys', '2 keys', '3 keys', 'FILTER', 'HAVING', 'ORDER BY', 'LIMIT', 'WHERE'],
].flat();

/** The features of an expression. */
function featuresOf(expr: Expr): string[] {
  const own = {
    compare: () => ` ${(expr as Extract<Expr, { op: 'compare' }>).operator}`,
    arithmetic: () => ` ${(expr as Extract<Expr, { op: 'arithmetic' }>).operator}`,
    numeric: () => ` ${(expr as Extract<Expr, { op: 'numeric' }>).fn}`,
    dateTrunc: () => ` ${(expr as Extract<Expr, { op: 'dateTrunc' }>).unit}`,
    extract: () => ` ${(expr as Extract<Expr, { op: 'extract' }>).field}`,
  } as Readonly<Record<string, () => string>>;
  return [`${expr.op}${own[expr.op]?.() ?? ''}`, ...operandsOf(expr).flatMap(featuresOf)];
}

/** An aggregate call before it is written: `argument` is null for `*` and for the unit. */
interface Call {
  readonly fn: Aggregate['fn'];
  readonly argument: Term | null;
  readonly filter: Term | null;
  readonly q: number;
  readonly write: (argument: string) => string;
}

const identifier: Naming = (name) => (/^[a-z_]+$/.test(name) && name !== ORDER_COLUMN ? name : `"${name}"`);

const days = fc.constantFrom(columnTerm('day', 'date'), columnTerm('at', 'timestamp'));
const units = fc.constantFrom(
  'year' as const,
  'quarter' as const,
  'month' as const,
  'week' as const,
  'day' as const,
);
const fields = fc.constantFrom(
  'year' as const,
  'quarter' as const,
  'month' as const,
  'day' as const,
  'dow' as const,
);
const instant = columnTerm('at', 'timestamp');

const listedKeys: fc.Arbitrary<Term> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(columnTerm('region', 'string')) },
  { weight: 2, arbitrary: fc.constant(columnTerm(ORDER_COLUMN, 'number')) },
  { weight: 1, arbitrary: fc.constant(columnTerm('flag', 'boolean')) },
  { weight: 1, arbitrary: fc.constant(columnTerm('day', 'date')) },
  { weight: 2, arbitrary: fc.tuple(units, days).map(([unit, day]) => truncTerm(unit, day)) },
  { weight: 1, arbitrary: fc.constant(truncTerm('hour', instant)) },
  { weight: 1, arbitrary: fc.tuple(fields, days).map(([field, day]) => extractTerm(field, day)) },
  { weight: 1, arbitrary: fc.constant(extractTerm('hour', instant)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      bucketTerm(columnTerm('age', 'number'), 18, 65, 3),
      bucketTerm(columnTerm(AMOUNT_COLUMN, 'number'), 0, 1, 2),
      bucketTerm(columnTerm('score', 'number'), -10, 10, 7),
    ),
  },
  {
    weight: 1,
    arbitrary: terms.condition.map((when) =>
      chosenTerm('number', [{ when, then: literalTerm(2.5, 'number') }], literalTerm(-1, 'number')),
    ),
  },
  {
    weight: 1,
    arbitrary: terms.condition.map((when) =>
      chosenTerm('string', [{ when, then: literalTerm('yes', 'string') }], literalTerm("n'o", 'string')),
    ),
  },
);

const unlistedKeys: fc.Arbitrary<Term> = fc.constantFrom(
  columnTerm('word', 'string'),
  columnTerm('word', 'string'),
  columnTerm('code', 'number'),
  columnTerm('since', 'date'),
);

const filters = fc.option(terms.condition, { freq: 3 });
const quantiles = fc.constantFrom(0, 0.01, 0.25, 0.5, 0.9, 1);
const anyValue = fc.oneof(terms.number, terms.string, terms.condition, terms.date, terms.timestamp);

const counts: fc.Arbitrary<Call> = fc.oneof(
  filters.map((filter): Call => ({ fn: 'count', argument: null, filter, q: 0, write: () => 'COUNT(*)' })),
  fc.tuple(anyValue, filters).map(([argument, filter]): Call => ({
    fn: 'count',
    argument,
    filter,
    q: 0,
    write: (x) => `count(${x})`,
  })),
);

const STATISTICS = [
  ['sum', 'SUM'],
  ['avg', 'AVG'],
  ['avg', 'mean'],
  ['variance', 'VARIANCE'],
  ['variance', 'VAR_SAMP'],
  ['stddev', 'STDDEV'],
  ['stddev', 'STDDEV_SAMP'],
] as const;

const statistics: fc.Arbitrary<Call> = fc
  .tuple(fc.constantFrom(...STATISTICS), boundedNumbers, filters)
  .map(([[fn, name], argument, filter]) => ({ fn, argument, filter, q: 0, write: (x) => `${name}(${x})` }));

const quantileCalls: fc.Arbitrary<Call> = fc
  .tuple(fc.constantFrom('QUANTILE', 'MEDIAN', 'PERCENTILE_CONT'), quantiles, boundedNumbers, filters)
  .map(([name, asked, argument, filter]) => {
    const q = name === 'MEDIAN' ? 0.5 : asked;
    const texts: Readonly<Record<string, (x: string) => string>> = {
      QUANTILE: (x) => `QUANTILE(${x}, ${q})`,
      MEDIAN: (x) => `MEDIAN(${x})`,
      PERCENTILE_CONT: (x) => `PERCENTILE_CONT(${q}) WITHIN GROUP (ORDER BY ${x})`,
    };
    return { fn: 'quantile', argument, filter, q, write: texts[name] as (x: string) => string };
  });

const HISTOGRAM = { low: -10, high: 60, count: 9 };
const histogramCalls: fc.Arbitrary<Call> = fc.tuple(terms.number, filters).map(([argument, filter]) => ({
  fn: 'histogram',
  argument,
  filter,
  q: 0,
  write: (x) => `HISTOGRAM(${x}, ${HISTOGRAM.low}, ${HISTOGRAM.high}, ${HISTOGRAM.count})`,
}));

const unitCounts: fc.Arbitrary<Call> = fc.constant({
  fn: 'countUnits',
  argument: columnTerm('uid', 'string'),
  filter: null,
  q: 0,
  write: (x) => `COUNT(DISTINCT ${x})`,
});

function callsFor(byUnit: boolean, wide: boolean): fc.Arbitrary<readonly Call[]> {
  return fc.array(
    fc.oneof(
      { weight: 2, arbitrary: counts },
      { weight: 5, arbitrary: statistics },
      ...(byUnit ? [{ weight: 1, arbitrary: unitCounts }] : []),
      ...(wide
        ? [
            { weight: 1, arbitrary: quantileCalls },
            { weight: 1, arbitrary: histogramCalls },
          ]
        : []),
    ),
    { minLength: 1, maxLength: 4, size: 'max' },
  );
}

interface Choice {
  readonly keys: readonly Term[];
  readonly calls: readonly Call[];
  readonly where: Term | null;
  readonly innerWhere: Term | null;
  readonly form: (typeof FORMS)[number];
  readonly groupBy: 'expression' | 'alias' | 'position';
  readonly having: boolean;
  readonly orderBy: boolean;
  readonly limit: number | null;
}

/** Statements in scope for a manifest of `dataset-generator.ts` and a policy. */
export function queriesFor(dataset: Dataset, policy: ReleasePolicy): fc.Arbitrary<GeneratedQuery> {
  const thresholded = policy.keys === 'thresholded';
  return fc
    .boolean()
    .chain((unlisted) => {
      const isThresholded = thresholded && unlisted;
      const distinct = (
        keys: fc.Arbitrary<Term>,
        minLength: number,
        maxLength: number,
      ): fc.Arbitrary<Term[]> =>
        fc.uniqueArray(keys, { minLength, maxLength, selector: (key) => key.sql(String), size: 'max' });
      const first = isThresholded ? distinct(unlistedKeys, 1, 2) : fc.constant([]);
      const rest = distinct(listedKeys, 0, isThresholded ? 1 : 2);
      return fc.record<Choice>({
        keys: fc.tuple(first, rest).map(([some, more]) => [...some, ...more]),
        calls: callsFor(dataset.privacyUnit.kind === 'column', !isThresholded),
        where: fc.option(terms.condition, { freq: 3 }),
        innerWhere: fc.option(terms.condition, { freq: 2 }),
        form: fc.constantFrom(...FORMS),
        groupBy: fc.constantFrom('expression', 'alias', 'position'),
        having: fc.boolean(),
        orderBy: fc.boolean(),
        limit: fc.constantFrom(null, null, 0, 3),
      });
    })
    .map((choice) => written(choice, dataset));
}

function written(choice: Choice, dataset: Dataset): GeneratedQuery {
  const { keys, calls, form } = choice;
  const source = sourceOf(choice, dataset);
  const keyTexts = keys.map((key) => key.sql(source.names));
  const callTexts = calls.map((call, i) => callText(call, source.argument(call, i), source.names));
  const targets = [
    ...keyTexts.map((text, i) => `${text} AS k${i}`),
    ...callTexts.map((text, i) => `${text} AS a${i}`),
  ];
  const groupBy = keyTexts.map(
    (text, i) => ({ expression: text, alias: `k${i}`, position: String(i + 1) })[choice.groupBy],
  );
  const outputs = calls.flatMap((call, i) => (call.fn === 'histogram' ? [] : [`a${i}`]));
  const having = choice.having && outputs[0] !== undefined ? `${outputs[0]} > 3` : null;
  const orderBy = choice.orderBy && outputs[0] !== undefined ? `${outputs[0]} DESC NULLS LAST` : null;
  const clauses: readonly [string, string | null][] = [
    ['WHERE', choice.where?.sql(source.names) ?? null],
    ['GROUP BY', groupBy.length === 0 ? null : groupBy.join(', ')],
    ['HAVING', having],
    ['ORDER BY', orderBy],
    ['LIMIT', choice.limit === null ? null : String(choice.limit)],
  ];
  const present = clauses.filter(([, text]) => text !== null);
  const tail = present.map(([word, text]) => ` ${word} ${text}`).join('');
  const wheres = [...source.wheres, choice.where]
    .filter((where) => where !== null)
    .map((where) => where.expr);
  const where: Expr | null = wheres.length === 0 ? null : { op: 'and', args: wheres };
  const aggregates = calls.map(meaningOf);
  const meant = [where, ...keys.map((key) => key.expr), ...aggregates.map((aggregate) => aggregate.argument)];
  return {
    sql: `${source.before}SELECT ${targets.join(', ')} FROM ${source.from}${tail}`,
    where,
    keys: keys.map((key) => key.expr),
    aggregates,
    features: new Set([
      ...meant.flatMap((expr) => (expr === null ? [] : featuresOf(expr))),
      ...calls.map((call) => `aggregate ${call.fn}`),
      ...(calls.some((call) => call.filter !== null) ? ['FILTER'] : []),
      ...present.map(([word]) => word).filter((word) => word !== 'GROUP BY'),
      `from ${form}`,
      `${keys.length} keys`,
    ]),
  };
}

function callText(call: Call, argument: string, names: Naming): string {
  const filter = call.filter === null ? '' : ` FILTER (WHERE ${call.filter.sql(names)})`;
  return `${call.write(argument)}${filter}`;
}

/** FILTER means an argument that is NULL where the condition does not hold. */
function meaningOf(call: Call): MeantAggregate {
  const { fn, filter } = call;
  if (fn === 'countUnits') return { fn, argument: null };
  const counted = call.argument?.expr ?? (filter === null ? null : literalTerm(1, 'number').expr);
  const argument =
    filter === null || counted === null
      ? counted
      : chosenTerm(typeOfArgument(call), [{ when: filter, then: { expr: counted, sql: String } }], null).expr;
  if (fn === 'quantile') return { fn, argument, q: call.q };
  return fn === 'histogram' ? { fn, argument, bins: HISTOGRAM } : { fn, argument };
}

function typeOfArgument(call: Call): ScalarType {
  return call.argument === null ? 'number' : typeOf(call.argument.expr);
}

/** Where a statement reads from, how columns are written there, and the conditions below it. */
interface Source {
  readonly before: string;
  readonly from: string;
  readonly names: Naming;
  readonly wheres: readonly Term[];
  readonly argument: (call: Call, index: number) => string;
}

function sourceOf({ form, innerWhere, calls }: Choice, dataset: Dataset): Source {
  const wheres = innerWhere === null ? [] : [innerWhere];
  const inner = innerWhere === null ? '' : ` WHERE ${innerWhere.sql(identifier)}`;
  const renamed = dataset.columns.map((column, i) => `${identifier(column.name)} AS c${i}`).join(', ');
  const renaming: Naming = (name) => `c${dataset.columns.findIndex((column) => column.name === name)}`;
  const source = (names: Naming, parts: Partial<Source>): Source => ({
    before: '',
    from: 'visits',
    names,
    wheres,
    argument: (call) => call.argument?.sql(names) ?? '',
    ...parts,
  });
  switch (form) {
    case 'table':
      return source(identifier, { wheres: [] });
    case 'alias':
      return source((name) => `v.${identifier(name)}`, { from: 'visits AS v', wheres: [] });
    case 'renaming CTE':
      return source(renaming, { before: `WITH t AS (SELECT ${renamed} FROM visits${inner}) `, from: 't' });
    case 'sub-query':
      return source((name) => `s.${identifier(name)}`, { from: `(SELECT * FROM visits${inner}) AS s` });
    case 'computing CTE': {
      const computed = calls.map((call, i) =>
        call.argument === null ? '' : `, ${call.argument.sql(identifier)} AS x${i}`,
      );
      return source(identifier, {
        before: `WITH t AS (SELECT *${computed.join('')} FROM visits${inner}) `,
        from: 't',
        argument: (call, i) => (call.argument === null ? '' : `x${i}`),
      });
    }
    case 'two CTEs':
      return source(renaming, {
        before: `WITH a AS (SELECT * FROM visits${inner}), b AS (SELECT ${renamed} FROM a) `,
        from: 'b',
      });
  }
}
