/** Noise is drawn before the answer exists, given out once, and cannot be heard while the answer is made. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { computePartials, type Engine, type EngineColumns, measure } from '#sandbox/execute.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { Plan } from '#sandbox/plan.ts';
import { NoisePool } from '#sandbox/release/noise-pool.ts';
import { RandomSource, secureRandom } from '#sandbox/release/random.ts';
import { release } from '#sandbox/release/release.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import { col, planWith } from '#tests/support/plan-builder.ts';
import { spearman } from '#tests/support/rank-correlation.ts';

const COST: Plan['cost'] = {
  unit: 'rho',
  nano: 1_000_000n,
  thresholdDeltaYocto: 10n ** 18n,
  epsilon: 1,
  delta: 1e-6,
};
const counted = planWith({
  dataset: { name: 'd', lineage: 'd', versionId: 'v', maxRows: 10_000_000, timeZone: 'UTC' },
  measures: [{ kind: 'rows', argument: null }],
  aggregates: [{ fn: 'count', rows: 0 }],
  cost: COST,
});
const listed = planWith({
  ...counted,
  keys: { mode: 'listed', keys: [{ expr: col('k', 'string'), domain: ['a', 'b', 'c'] }], cells: 3 },
});
const thresholded = planWith({
  ...counted,
  keys: {
    mode: 'thresholded',
    keys: [{ expr: col('k', 'string'), domain: null }],
    maxEntries: 9_000,
    units: 0,
  },
  measures: [{ kind: 'units' }],
  aggregates: [{ fn: 'countUnits', units: 0 }],
});

const PLAIN: Dataset = {
  kind: 'Dataset',
  name: 'd',
  title: null,
  source: { type: 'parquet', path: '' },
  lineage: 'd',
  timeZone: 'UTC',
  privacyUnit: { kind: 'row' },
  unitDomain: 'd',
  population: null,
  origin: 'synthetic',
  grade: 'general',
  maxRows: 10_000_000,
  columns: [
    {
      name: 'k',
      type: { kind: 'string' },
      role: 'key',
      bounds: null,
      granularity: null,
      values: ['a', 'b', 'c'],
    },
  ],
};

/** A source that counts how often it was asked for bytes, of few at a time. */
function listening(): { readonly random: RandomSource; readonly asked: () => number } {
  let asked = 0;
  const random = new RandomSource((count) => {
    asked += 1;
    return crypto.getRandomValues(new Uint8Array(count));
  }, 4);
  return { random, asked: () => asked };
}

describe('a pool', () => {
  test.for([
    { name: 'one cell', plan: counted, partials: { keys: null, vectors: [[5n]] } },
    { name: 'listed cells', plan: listed, partials: { keys: null, vectors: [[5n, 0n, 7n]] } },
    {
      name: 'thresholded cells',
      plan: thresholded,
      partials: { keys: [['x'], ['y']], vectors: [[500n, 700n]] },
    },
  ])('that is filled needs no randomness when $name are released', ({ plan, partials }) => {
    const { random, asked } = listening();
    const pool = new NoisePool(plan, random).fill();
    const before = asked();
    expect(before).toBeGreaterThan(0);
    expect(release(plan, partials, pool).length).toBeGreaterThan(0);
    expect(asked()).toBe(before);
  });

  test('that was not filled draws then: the control of the test above', () => {
    const { random, asked } = listening();
    release(counted, { keys: null, vectors: [[5n]] }, new NoisePool(counted, random));
    expect(asked()).toBeGreaterThan(0);
  });

  test('gives every draw out once, in the order of the tape', () => {
    const ahead = new NoisePool(listed, tapedRandom('once')).fill();
    const inTwo = new NoisePool(listed, tapedRandom('once')).fill();
    const all = ahead.take(0, 3);
    expect([...inTwo.take(0, 1), ...inTwo.take(0, 2)]).toEqual(all);
    expect(ahead.take(0, 3)).not.toEqual(all);
  });

  test('goes on in batches beyond what it has', () => {
    const { random } = listening();
    const pool = new NoisePool(thresholded, random).fill();
    expect(pool.take(0, 1_024 + 1)).toHaveLength(1_025);
    expect(pool.take(0, 1_023)).toHaveLength(1_023);
    expect(pool.take(0, 3_000)).toHaveLength(3_000);
  });
});

describe('noise of a measurement', () => {
  /** A reader that answers when told to. */
  async function measured(
    work: typeof measure,
  ): Promise<{ readonly during: number; readonly after: number }> {
    const { random, asked } = listening();
    const { promise, resolve } = Promise.withResolvers<EngineColumns>();
    const { promise: sent, resolve: isSent } = Promise.withResolvers<void>();
    const engine: Engine = {
      physical: { types: new Map([['k', 'VARCHAR']]), prepared: null },
      query: () => {
        isSent();
        return promise;
      },
    };
    const result = work(listed, PLAIN, engine, { seed: 's', random });
    await sent;
    const before = asked();
    await setImmediate();
    await setImmediate();
    const during = asked() - before;
    resolve([[0n], [5n]]);
    const { partials, noise } = await result;
    const drawn = asked();
    release(listed, partials, noise);
    return { during, after: asked() - drawn };
  }

  test('is drawn after the query was sent and before it is answered', async () => {
    expect(await measured(measure)).toEqual({
      during: expect.toSatisfy((asked: number) => asked > 0),
      after: 0,
    });
  });

  test('that is not drawn meanwhile is drawn afterwards: the control of the test above', async () => {
    const late: typeof measure = async (plan, dataset, engine, { seed, random }) => ({
      partials: await computePartials(plan, dataset, engine, seed),
      noise: new NoisePool(plan, random),
    });
    const { during, after } = await measured(late);
    expect(during).toBe(0);
    expect(after).toBeGreaterThan(0);
  });
});

describe('the time in which an answer is made', () => {
  const exact = { keys: null, vectors: [[5_000_000n]] };
  const SAMPLES = 40_000;

  /** The rank correlation of |noise| with the nanoseconds of `release`, drawn ahead or within them. */
  function correlation(ahead: boolean): number {
    const random = secureRandom();
    const [sizes, times] = [new Float64Array(SAMPLES), new Float64Array(SAMPLES)];
    for (let i = -2_000; i < SAMPLES; i += 1) {
      const pool = new NoisePool(counted, random);
      if (ahead) pool.fill();
      const started = process.hrtime.bigint();
      if (!ahead) pool.fill();
      const [cell] = release(counted, exact, pool);
      const elapsed = Number(process.hrtime.bigint() - started);
      if (i < 0) continue;
      sizes[i] = Math.abs(cell!.values[0]![0]!.value! - 5_000_000);
      times[i] = elapsed;
    }
    return spearman(sizes, times);
  }

  // Under independence r·√(n − 1) is standard normal: n = 40,000 and 5 standard deviations give 0.025, passed by
  // chance less than once in 10⁶. Drawn within, far values take longer; the control must show it.
  test('does not tell how large the noise is', () => {
    expect(Math.abs(correlation(true))).toBeLessThan(0.025);
  });

  test('tells it when the noise is drawn within: the control', () => {
    // Garbage collection and other work drown most of it: samples are added until they show it by 5 standard
    // deviations together. At twelve looks, independent ones would pass less than 4 times in 10⁶.
    let deviations = 0;
    for (let look = 1; look <= 12; look += 1) {
      deviations += correlation(false) * Math.sqrt(SAMPLES - 1);
      if (deviations / Math.sqrt(look) > 5) return;
    }
    expect.fail('drawing within was not heard');
  }, 90_000);
});
