/**
 * Generated row-wise expressions over the schema of `dataset-generator.ts`, of every type and operator.
 *
 * INVARIANT: every expression is in scope, so that a refusal is a failure. ln and exp stand only where their last
 * bit, in which mathematical libraries differ, decides nothing.
 */
import * as fc from 'fast-check';
import type { Expr, ExtractField, NumericFunction, ScalarType, TruncUnit } from '#sandbox/expression.ts';
import { AMOUNT_COLUMN, ORDER_COLUMN } from './dataset-generator.ts';
import {
  type Term,
  COMPARISONS,
  arithmeticTerm,
  bucketTerm,
  chosenTerm,
  columnTerm,
  compareTerms,
  complement,
  extractTerm,
  functionTerm,
  junction,
  literalTerm,
  negated,
  quoted,
  truncTerm,
} from './sql-term.ts';

type Terms = fc.Arbitrary<Term>;

const NULL_SQL = 'NULL';

const booleanLiterals = fc.constantFrom(true, false).map((value) => literalTerm(value, 'boolean'));
const flagCondition = fc.constant(columnTerm('flag', 'boolean'));
const nullOf = (type: ScalarType): Expr => ({ op: 'literal', type, value: null });
const constant = (name: string, type: ScalarType): Terms => fc.constant(columnTerm(name, type));
const columns = (type: ScalarType, ...names: string[]): Terms =>
  fc.oneof(...names.map((name) => constant(name, type)));

const numberColumns = columns(
  'number',
  'age',
  AMOUNT_COLUMN,
  'price',
  'big',
  'rate',
  'debt',
  'score',
  ORDER_COLUMN,
);
const boundedColumns = columns('number', 'age', AMOUNT_COLUMN, 'price', 'big', 'rate', 'debt');
const stringColumns = columns('string', 'region', 'word', 'note');
const dateColumns = columns('date', 'day', 'born');
const timestampColumns = columns('timestamp', 'at');

const numberLiterals = fc
  .constantFrom(0, 1, -1, 2, 3, 0.5, -0.25, 10.25, 60, 100, 4999.99, 1e308, 5e-324, 1e12)
  .map((value) => literalTerm(value, 'number'));
/** Constants that keep a bounded expression within the exact range. */
const smallLiterals = fc
  .constantFrom(0, 1, -1, 2, 0.5, 10.25, -100)
  .map((value) => literalTerm(value, 'number'));
const stringLiterals = fc
  .constantFrom('north', '华东', "o'brien", 'back\\slash', '', 'a%b_c', '词', 'plain', 'zzz', '🚀')
  .map((value) => literalTerm(value, 'string'));
const dates = ['2023-12-31', '2024-01-01', '2024-01-07', '0001-01-01', '9999-12-31', '2000-02-29'] as const;
const dateLiterals = fc.constantFrom(...dates).map((day) => literalTerm(day, 'date', `DATE '${day}'`));
const timestampLiterals = fc
  .record({
    day: fc.constantFrom(...dates),
    time: fc.constantFrom('00:00:00', '10:30:07', '23:59:07.999999', '11:00:07.5'),
  })
  .map(({ day, time }) => literalTerm(`${day}T${time}`, 'timestamp', `TIMESTAMP '${day} ${time}'`));

/** CASE, COALESCE and NULLIF over values of one type. */
function choices(type: ScalarType, values: Terms, conditions: Terms): Terms {
  const branches = fc.array(fc.record({ when: conditions, then: values }), { minLength: 1, maxLength: 2 });
  return fc.oneof(
    fc.tuple(branches, fc.option(values)).map(([chosen, otherwise]) => chosenTerm(type, chosen, otherwise)),
    fc.array(values, { minLength: 1, maxLength: 3 }).map((args): Term => {
      const expr: Expr = { op: 'coalesce', type, args: args.map((arg) => arg.expr) };
      return { expr, sql: (names) => `COALESCE(${args.map((arg) => arg.sql(names)).join(', ')})` };
    }),
    fc.tuple(values, values).map(([left, right]): Term => {
      const when: Expr = { op: 'compare', operator: '=', left: left.expr, right: right.expr };
      const expr: Expr = { op: 'case', type, branches: [{ when, then: nullOf(type) }], otherwise: left.expr };
      return { expr, sql: (names) => `NULLIF(${left.sql(names)}, ${right.sql(names)})` };
    }),
  );
}

/** IS [NOT] NULL, TRUE, FALSE, UNKNOWN and IS [NOT] DISTINCT FROM: conditions that are never unknown. */
function knownConditions(values: Terms, conditions: Terms): Terms {
  const isNull = (arg: Expr): Expr => ({ op: 'isNull', arg });
  const not = (arg: Expr): Expr => ({ op: 'not', arg });
  const tests: Readonly<Record<string, (arg: Expr) => Expr>> = {
    'IS NULL': isNull,
    'IS NOT NULL': (arg) => not(isNull(arg)),
    'IS UNKNOWN': isNull,
    'IS TRUE': (arg) => ({ op: 'and', args: [arg, not(isNull(arg))] }),
    'IS NOT FALSE': (arg) => ({ op: 'or', args: [arg, isNull(arg)] }),
  };
  return fc.oneof(
    fc.tuple(values, fc.constantFrom('IS NULL', 'IS NOT NULL')).map(([arg, test]): Term => {
      return { expr: tests[test]!(arg.expr), sql: (names) => `(${arg.sql(names)} ${test})` };
    }),
    fc
      .tuple(conditions, fc.constantFrom('IS UNKNOWN', 'IS TRUE', 'IS NOT FALSE'))
      .map(([arg, test]): Term => {
        return { expr: tests[test]!(arg.expr), sql: (names) => `(${arg.sql(names)} ${test})` };
      }),
    fc.tuple(values, values).map(([left, right]): Term => {
      const bothNull: Expr = { op: 'and', args: [isNull(left.expr), isNull(right.expr)] };
      const equal: Expr = { op: 'compare', operator: '=', left: left.expr, right: right.expr };
      const known: Expr = { op: 'and', args: [not(isNull(left.expr)), not(isNull(right.expr)), equal] };
      const expr = not({ op: 'or', args: [bothNull, known] });
      return { expr, sql: (names) => `(${left.sql(names)} IS DISTINCT FROM ${right.sql(names)})` };
    }),
  );
}

/** Comparisons, IN and BETWEEN over values of one type. */
function relations(values: Terms, literals: Terms): Terms {
  const operands = fc.oneof({ weight: 2, arbitrary: literals }, { weight: 1, arbitrary: values });
  const members = fc.array(fc.option(literals, { freq: 5 }), { minLength: 1, maxLength: 4 });
  return fc.oneof(
    fc.tuple(values, operands, fc.constantFrom(...COMPARISONS)).map(([a, b, op]) => compareTerms(a, b, op)),
    fc.tuple(literals, values, fc.constantFrom(...COMPARISONS)).map(([a, b, op]) => compareTerms(a, b, op)),
    fc.tuple(values, members, fc.boolean()).map(([arg, list, inverted]): Term => {
      const constants = list.map((member) => (member?.expr.op === 'literal' ? member.expr.value : null));
      const test: Expr = { op: 'in', arg: arg.expr, values: constants };
      const texts = list.map((member) => member?.sql(String) ?? NULL_SQL).join(', ');
      const word = inverted ? 'NOT IN' : 'IN';
      return {
        expr: inverted ? { op: 'not', arg: test } : test,
        sql: (names) => `(${arg.sql(names)} ${word} (${texts}))`,
      };
    }),
    fc.tuple(values, operands, operands, fc.boolean()).map(([arg, low, high, inverted]): Term => {
      const within = junction('and', [compareTerms(arg, low, '>='), compareTerms(arg, high, '<=')]);
      const word = inverted ? 'NOT BETWEEN' : 'BETWEEN';
      return {
        expr: inverted ? { op: 'not', arg: within.expr } : within.expr,
        sql: (names) => `(${arg.sql(names)} ${word} ${low.sql(names)} AND ${high.sql(names)})`,
      };
    }),
    knownConditions(values, flagCondition),
  );
}

const PATTERNS = [
  '%',
  '_',
  '',
  'a%',
  '%\\%',
  'a\\_b',
  '%_\\\\%',
  '华_',
  '%🚀',
  '_______',
  "o'%",
  '%%n%',
  'back\\\\slash',
] as const;

const likes = (values: Terms): Terms =>
  fc.tuple(values, fc.constantFrom(...PATTERNS), fc.boolean()).map(([arg, pattern, inverted]): Term => {
    const test: Expr = { op: 'like', arg: arg.expr, pattern };
    return {
      expr: inverted ? { op: 'not', arg: test } : test,
      sql: (names) => `(${arg.sql(names)} ${inverted ? 'NOT LIKE' : 'LIKE'} ${quoted(pattern)})`,
    };
  });

const dateFields = fc.constantFrom<ExtractField[]>('year', 'quarter', 'month', 'day', 'dow');
const dateUnits = fc.constantFrom<TruncUnit[]>('year', 'quarter', 'month', 'week', 'day');

const extracts = (day: Terms, time: Terms): Terms =>
  fc.oneof(
    fc.tuple(dateFields, day).map(([field, arg]) => extractTerm(field, arg)),
    fc.tuple(dateFields, time).map(([field, arg]) => extractTerm(field, arg)),
    time.map((arg) => extractTerm('hour', arg)),
  );

const operators = fc.constantFrom('+' as const, '-' as const, '*' as const, '/' as const, '%' as const);
// ln and exp are generated apart: libraries may differ in their last bit, which then must not decide anything.
const exactFunctions = fc.constantFrom<NumericFunction[]>('abs', 'floor', 'ceil', 'sqrt');

/** Where recursion ends: one column against one constant, or a flag, each of which keeps about half of the rows. */
const plainConditions: Terms = fc.oneof(
  flagCondition,
  fc.tuple(fc.constantFrom(...COMPARISONS.slice(2)), fc.constantFrom(20, 60)).map(([operator, value]) => {
    return compareTerms(columnTerm('age', 'number'), literalTerm(value, 'number'), operator);
  }),
  fc.constantFrom('north', "o'brien").map((value) => {
    return compareTerms(columnTerm('region', 'string'), literalTerm(value, 'string'), '>=');
  }),
  fc.constantFrom('2024-01-01', '2024-01-04').map((day) => {
    return compareTerms(columnTerm('day', 'date'), literalTerm(day, 'date', quoted(day)), '<');
  }),
);

/** Terms of every type, of small depth: any number, and conditions. */
export const terms = fc.letrec<Record<'number' | 'string' | 'date' | 'timestamp' | 'condition', Term>>(
  (tie) => ({
    number: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { weight: 3, arbitrary: numberColumns },
      { weight: 1, arbitrary: numberLiterals },
      {
        weight: 2,
        arbitrary: fc
          .tuple(tie('number'), tie('number'), operators)
          .map(([a, b, op]) => arithmeticTerm(a, b, op)),
      },
      { weight: 1, arbitrary: tie('number').map(negated) },
      {
        weight: 2,
        arbitrary: fc.tuple(exactFunctions, tie('number')).map(([fn, arg]) => functionTerm(fn, arg)),
      },
      {
        weight: 1,
        arbitrary: numberColumns.map((arg) => bucketTerm(functionTerm('ln', arg), -10, 100, 7)),
      },
      {
        weight: 1,
        arbitrary: numberColumns.map((arg) => bucketTerm(functionTerm('exp', arg), -10, 100, 7)),
      },
      { weight: 1, arbitrary: extracts(tie('date'), tie('timestamp')) },
      { weight: 1, arbitrary: tie('number').map((arg) => bucketTerm(arg, -10, 100, 7)) },
      { weight: 1, arbitrary: choices('number', tie('number'), tie('condition')) },
    ),
    string: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      { weight: 4, arbitrary: stringColumns },
      { weight: 1, arbitrary: choices('string', fc.oneof(tie('string'), stringLiterals), tie('condition')) },
    ),
    date: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      { weight: 3, arbitrary: dateColumns },
      {
        weight: 1,
        arbitrary: fc.tuple(dateUnits, tie('timestamp')).map(([unit, arg]) => truncTerm(unit, arg)),
      },
      { weight: 1, arbitrary: fc.tuple(dateUnits, tie('date')).map(([unit, arg]) => truncTerm(unit, arg)) },
      { weight: 1, arbitrary: choices('date', fc.oneof(tie('date'), dateLiterals), tie('condition')) },
    ),
    timestamp: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      { weight: 3, arbitrary: timestampColumns },
      { weight: 1, arbitrary: tie('timestamp').map((arg) => truncTerm('hour', arg)) },
      {
        weight: 1,
        arbitrary: choices('timestamp', fc.oneof(tie('timestamp'), timestampLiterals), tie('condition')),
      },
    ),
    condition: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { weight: 2, arbitrary: plainConditions },
      { weight: 2, arbitrary: relations(tie('number'), numberLiterals) },
      { weight: 2, arbitrary: relations(tie('string'), stringLiterals) },
      { weight: 1, arbitrary: relations(tie('date'), dateLiterals) },
      {
        weight: 1,
        arbitrary: relations(fc.oneof(constant('flag', 'boolean'), tie('condition')), booleanLiterals),
      },
      { weight: 1, arbitrary: relations(tie('timestamp'), timestampLiterals) },
      { weight: 1, arbitrary: likes(tie('string')) },
      { weight: 1, arbitrary: booleanLiterals },
      {
        weight: 2,
        arbitrary: fc
          .tuple(
            fc.constantFrom('and' as const, 'or' as const),
            fc.array(tie('condition'), { minLength: 2, maxLength: 3 }),
          )
          .map(([op, args]) => junction(op, args)),
      },
      { weight: 1, arbitrary: tie('condition').map(complement) },
    ),
  }),
);

/** Numbers whose values lie in public bounds: what SUM, AVG, VARIANCE and QUANTILE take. */
export const boundedNumbers: Terms = fc.letrec<{ number: Term }>((tie) => ({
  number: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 6, arbitrary: boundedColumns },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          tie('number'),
          fc.oneof(tie('number'), smallLiterals),
          fc.constantFrom('+' as const, '-' as const),
        )
        .map(([a, b, op]) => arithmeticTerm(a, b, op)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(boundedColumns, smallLiterals).map(([a, b]) => arithmeticTerm(a, b, '*')),
    },
    { weight: 1, arbitrary: tie('number').map((arg) => arithmeticTerm(arg, literalTerm(3, 'number'), '/')) },
    { weight: 1, arbitrary: tie('number').map((arg) => arithmeticTerm(arg, literalTerm(7, 'number'), '%')) },
    { weight: 1, arbitrary: tie('number').map(negated) },
    {
      weight: 1,
      arbitrary: fc.tuple(exactFunctions, tie('number')).map(([fn, arg]) => functionTerm(fn, arg)),
    },
    {
      weight: 1,
      arbitrary: constant('age', 'number').map((age) =>
        functionTerm('ln', arithmeticTerm(age, literalTerm(1, 'number'), '+')),
      ),
    },
    {
      weight: 1,
      arbitrary: constant('debt', 'number').map((debt) =>
        functionTerm('exp', arithmeticTerm(debt, literalTerm(100, 'number'), '/')),
      ),
    },
    { weight: 1, arbitrary: extracts(constant('day', 'date'), timestampColumns) },
    { weight: 1, arbitrary: choices('number', fc.oneof(tie('number'), smallLiterals), flagCondition) },
  ),
})).number;
