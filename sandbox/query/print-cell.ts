/** Printing of grouping keys: one cell number for listed keys, key columns for thresholded ones. */
import type { Keys, PlanKey } from '../plan.ts';
import { type Expr, type Scalar, typeOf } from '../expression.ts';
import { printLiteral } from './print-expression.ts';
import { codeName, type PhysicalColumns } from './scan.ts';

/** Longer lists are looked up by a hash join instead of a CASE. */
const CASE_MAX = 16;
const KEY_TEXT_BYTES_MAX = 256;

/** SELECT items that say which cell a row is in: `cell`, or `k0 … kn`. */
export function printCell(
  keys: Keys,
  columns: readonly string[],
  physical: PhysicalColumns,
): readonly string[] {
  if (keys.mode === 'none') return ['CAST(0 AS BIGINT) AS cell'];
  if (keys.mode === 'thresholded') return columns.map((column, index) => `${column} AS k${index}`);
  const codes = keys.keys.map((key, index) => ({
    code: storedCode(key, physical) ?? printCode(key, columns[index]!, index),
    size: key.domain!.length,
  }));
  const number = codes.reduce(
    (cell, { code, size }) => (cell === '' ? `(${code})` : `(${cell} * ${size} + (${code}))`),
    '',
  );
  return [`CAST(${number} AS BIGINT) AS cell`];
}

/** Thresholded keys: NULL is no cell, text is bounded, and listed companions keep to their lists. */
export function printKeyFilter(keys: Keys, columns: readonly string[]): readonly string[] {
  if (keys.mode !== 'thresholded') return [];
  return keys.keys.flatMap((key, index) => {
    const column = columns[index]!;
    const listed = key.domain?.filter((value) => value !== null);
    const inList =
      listed === undefined
        ? []
        : [`${column} IN (${listed.map((value) => printLiteral(value, typeOf(key.expr))).join(', ')})`];
    const short = typeOf(key.expr) === 'string' ? [`strlen(${column}) <= ${KEY_TEXT_BYTES_MAX}`] : [];
    return [`${column} IS NOT NULL`, ...short, ...inList];
  });
}

/** LEFT JOINs of the lookup lists that `printCell` refers to. */
export function joinsOf(keys: Keys, columns: readonly string[], physical: PhysicalColumns): string {
  if (keys.mode !== 'listed') return '';
  return keys.keys
    .map((key, index) => {
      if (!needsLookup(key) || storedCode(key, physical) !== null) return '';
      const type = typeOf(key.expr);
      const rows = key.domain!.flatMap((value, code) =>
        value === null ? [] : [`(${printLiteral(value, type)}, ${code})`],
      );
      return ` LEFT JOIN (VALUES ${rows.join(', ')}) AS l${index}(v, n) ON ${columns[index]} = l${index}.v`;
    })
    .join('');
}

/** The stored code of a column that a prepared copy has worked out, or null. */
function storedCode({ expr }: PlanKey, { prepared }: PhysicalColumns): string | null {
  return expr.op === 'column' && prepared?.codes.has(expr.name) === true ? codeName(expr.name) : null;
}

/** The index of a key's value in its list; NULL when it is not in the list. */
export function printCode(key: PlanKey, column: string, index: number): string {
  const domain = key.domain!;
  const arithmetic = arithmeticCode(key.expr, domain, column);
  if (arithmetic !== null)
    return `CASE WHEN ${arithmetic} BETWEEN 0 AND ${domain.length - 1} THEN ${arithmetic} END`;
  const nullCode = domain.indexOf(null);
  const isNull = nullCode < 0 ? '' : `WHEN ${column} IS NULL THEN ${nullCode} `;
  if (needsLookup(key)) return isNull === '' ? `l${index}.n` : `CASE ${isNull}ELSE l${index}.n END`;
  const type = typeOf(key.expr);
  const tests = domain.flatMap((value, code) =>
    value === null ? [] : [`WHEN ${column} = ${printLiteral(value, type)} THEN ${code}`],
  );
  return `CASE ${isNull}${tests.join(' ')} END`;
}

function needsLookup(key: PlanKey): boolean {
  return key.domain!.length > CASE_MAX && arithmeticCode(key.expr, key.domain!, '') === null;
}

/** Runs of integers and of periods are numbered by subtraction. */
function arithmeticCode(expr: Expr, domain: readonly Scalar[], column: string): string | null {
  const [first] = domain;
  if (
    typeof first === 'number' &&
    domain.every((value, index) => value === first + index && Number.isInteger(value))
  ) {
    return `CASE WHEN ${column} = floor(${column}) AND abs(${column}) < 9e15 THEN TRY_CAST(${column} AS BIGINT) - (${first}) END`;
  }
  if (expr.op !== 'dateTrunc' || typeof first !== 'string') return null;
  return `date_diff('${expr.unit}', ${printLiteral(first, expr.type)}, ${column})`;
}
