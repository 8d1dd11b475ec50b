/** Bounds whose square is no double: every value that is shown is still a number, which JSON can write. */
import { expect, test } from 'vitest';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import type { Measure } from '#sandbox/plan.ts';
import { estimatorOf } from '#sandbox/release/estimate.ts';
import { noiseOfPlan } from '#sandbox/release/planned-noise.ts';
import { compiled, PEOPLE_MANIFEST } from '../query/people.ts';

const columns = { ...PEOPLE_MANIFEST.columns, far: { type: 'number', bounds: [-1e200, 1e200] } };
const dataset = parseDataset(JSON.stringify({ ...PEOPLE_MANIFEST, columns }), {
  path: '/nowhere/people.yaml',
});
const { plan } = compiled('SELECT VARIANCE(far), STDDEV(far), AVG(far), SUM(far) FROM people', { dataset });
const estimate = estimatorOf(plan, noiseOfPlan(plan));

/** Noisy entries of one cell: half of `rows` lie at either end, or fewer than noise. */
function entriesOf(rows: bigint): readonly (readonly bigint[])[] {
  const reach = plan.measures
    .flatMap((measure) => ('argument' in measure ? [measure.argument] : []))
    .map((argument) => (argument !== null && 'highGrid' in argument ? argument.highGrid : 0n))
    .find((high) => high > 0n)!;
  const entry = ({ kind }: Measure): bigint =>
    kind === 'rows' ? rows : kind === 'centredSquares' ? rows * reach * reach : 0n;
  return plan.measures.map((measure) => [entry(measure)]);
}

test('values and intervals stay finite', () => {
  // Control: what is to be shown, a variance of 1e400, is none of the doubles.
  expect((1e200 - -1e200) ** 2 / 4).toBe(Infinity);
  for (const rows of [-5n, 0n, 2n, 1000n])
    for (const { value, low, high } of estimate(entriesOf(rows)).flat())
      expect([value, low, high].map(Number.isFinite)).toEqual([true, true, true]);
});
