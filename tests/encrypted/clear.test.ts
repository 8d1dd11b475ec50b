/** Expressions over clear columns have the values that the reference evaluator gives them. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { clearValueOf, isExact } from '#sandbox/encrypted/clear.ts';
import { type Expr, type Scalar, typeOf } from '#sandbox/expression.ts';
import { worlds } from '#tests/support/dataset-generator.ts';
import { terms } from '#tests/support/expression-generator.ts';
import { evaluate, type Row } from '#tests/support/reference-expression.ts';
import { scannedRows } from '#tests/support/reference-scan.ts';

/** Texts of equal moments as one: six decimals or none. */
function told(value: Scalar, expr: Expr): Scalar {
  if (typeOf(expr) !== 'timestamp' || typeof value !== 'string') return Object.is(value, -0) ? 0 : value;
  const [whole = '', fraction = ''] = value.split('.');
  return `${whole}.${fraction.padEnd(6, '0')}`;
}

/** What a manifest may list: no infinities. */
const isListable = (row: Row): boolean =>
  Object.values(row).every((value) => typeof value !== 'number' || Number.isFinite(value));

test('of every kind, for every row', () => {
  let compared = 0;
  fc.assert(
    fc.property(
      worlds({ rowsMax: 12 }),
      fc.oneof(terms.condition, terms.string, terms.date, terms.timestamp, terms.number),
      (world, { expr }) => {
        fc.pre(isExact(expr));
        for (const row of scannedRows(world.rows, world.dataset.columns).filter(isListable)) {
          expect(told(clearValueOf(expr, new Map(Object.entries(row))), expr)).toBe(
            told(evaluate(expr, row), expr),
          );
          compared += 1;
        }
      },
    ),
    { numRuns: 600 },
  );
  expect(compared).toBeGreaterThan(1_000);
});

test('ln and exp are not exact, and a column that is not clear is our own mistake', () => {
  const column = { op: 'column', name: 'a', type: 'number' } as const;
  expect(isExact({ op: 'negate', arg: { op: 'numeric', fn: 'ln', arg: column } })).toBe(false);
  expect(isExact({ op: 'numeric', fn: 'sqrt', arg: column })).toBe(true);
  expect(() => clearValueOf(column, new Map())).toThrow(RangeError);
});

test('a pattern of many runs takes no longer than its length times that of the text', () => {
  const like = {
    op: 'like',
    arg: { op: 'column', name: 'a', type: 'string' },
    pattern: `${'%a'.repeat(400)}b`,
  } as const;
  const started = performance.now();
  expect(clearValueOf(like, new Map([['a', 'a'.repeat(20_000)]]))).toBe(false);
  expect(performance.now() - started).toBeLessThan(2_000);
});
