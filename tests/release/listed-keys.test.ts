/** Listed keys are answered whatever the data hold; that a cell is empty, or has nobody, shows in no way. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Keys, Measure } from '#sandbox/plan.ts';
import { NoisePool } from '#sandbox/release/noise-pool.ts';
import { release } from '#sandbox/release/release.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { col, planWith } from '#tests/support/plan-builder.ts';

const random = secureRandom();
const domain = ['p', 'q', null, 'r'];
const cost = {
  unit: 'rho',
  nano: 1_000_000_000n,
  thresholdDeltaYocto: 10n ** 18n,
  epsilon: 1,
  delta: 1e-6,
} as const;

/** A count of rows and of units by keys, with at most a thousand of both. */
function planOf(keys: Keys) {
  const measures: readonly Measure[] = [{ kind: 'units' }, { kind: 'rows', argument: null }];
  return planWith({ keys, measures, aggregates: [{ fn: 'count', rows: 1 }], cost });
}

const counts = fc.array(fc.constantFrom(0n, 0n, 1n, 1000n), { minLength: 4, maxLength: 4 });

test('every listed cell is released, whatever the data hold', () => {
  const plan = planOf({ mode: 'listed', keys: [{ expr: col('k', 'string'), domain }], cells: 4 });
  fc.assert(
    fc.property(counts, counts, (units, rows) => {
      const cells = release(plan, { keys: null, vectors: [units, rows] }, new NoisePool(plan, random));
      expect(cells.map(({ key }) => key)).toEqual(domain.map((value) => [value]));
      for (const { values } of cells) expect(values[0]?.[0]?.exact).toMatch(/^-?\d+$/);
    }),
  );
});

test('control: thresholded keys that nobody has are not released', () => {
  const expr = col('k', 'string');
  const plan = planOf({ mode: 'thresholded', keys: [{ expr, domain: null }], maxEntries: 4, units: 0 });
  const keys = [['p'], ['q'], ['r'], ['s']];
  const cells = release(
    plan,
    {
      keys,
      vectors: [
        [1000n, 1n, 1n, 1000n],
        [1000n, 1n, 1n, 1000n],
      ],
    },
    new NoisePool(plan, random),
  );
  // With σ² = 1 a count of one exceeds the threshold with a chance below 1e-6, one of 1,000 always does.
  expect(cells.map(({ key }) => key)).toEqual([['p'], ['s']]);
});
