/** The deviation of a year from its ceiling: exact, signed, and ten per cent inclusive. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deviationOf } from '#gateway/billing/deviation.ts';

const CEILING = 2_003_550_000n;

/** Each figure with the band it belongs to and the sign it has. */
const FIGURES = [
  ['22.03905 m', 2_203_905_000n, 'actual_price', '10.000000', 'above'],
  ['22.03906 m', 2_203_906_000n, 'cap', '10.000050', 'above'],
  ['one fen above ten per cent', 2_203_905_001n, 'cap', '10.000000', 'above'],
  ['18.03195 m', 1_803_195_000n, 'actual_price', '-10.000000', 'below'],
  ['18.03194 m', 1_803_194_000n, 'cap', '-10.000050', 'below'],
  ['the ceiling itself', CEILING, 'actual_price', '0.000000', 'equal'],
  ['nothing', 0n, 'cap', '-100.000000', 'below'],
] as const;

type Judge = (revenueFen: bigint) => { readonly task: string; readonly direction: string };

const judge: Judge = (revenueFen) => deviationOf({ ceilingFen: CEILING, revenueFen });

/** The figures that a judge gets wrong. */
function wrongFor(tried: Judge): readonly string[] {
  return FIGURES.filter(([, revenueFen, task, , direction]) => {
    const found = tried(revenueFen);
    return found.task !== task || found.direction !== direction;
  }).map(([name]) => name);
}

describe('with a ceiling of 20.0355 m', () => {
  test.for(FIGURES)('a revenue of %s', ([, revenueFen, task, percent, direction]) => {
    expect(deviationOf({ ceilingFen: CEILING, revenueFen })).toMatchObject({ task, percent, direction });
  });

  test('every figure is judged as it should be', () => {
    expect(wrongFor(judge)).toEqual([]);
  });

  test('control: a band that leaves out its end is caught', () => {
    const exclusive: Judge = (revenueFen) => {
      const { differenceFen, direction } = deviationOf({ ceilingFen: CEILING, revenueFen });
      const size = differenceFen < 0n ? -differenceFen : differenceFen;
      return { task: size * 10n < CEILING ? 'actual_price' : 'cap', direction };
    };
    expect(wrongFor(exclusive)).toEqual(['22.03905 m', '18.03195 m']);
  });

  test('control: a deviation without its sign is caught', () => {
    const unsigned: Judge = (revenueFen) => {
      const size = revenueFen < CEILING ? CEILING - revenueFen : revenueFen - CEILING;
      return deviationOf({ ceilingFen: CEILING, revenueFen: CEILING + size });
    };
    expect(wrongFor(unsigned)).toEqual(['18.03195 m', '18.03194 m', 'nothing']);
  });

  test('control: one side only, so that any shortfall is a small one, is caught', () => {
    const oneSided: Judge = (revenueFen) => {
      const { differenceFen, direction } = deviationOf({ ceilingFen: CEILING, revenueFen });
      return { task: differenceFen * 10n <= CEILING ? 'actual_price' : 'cap', direction };
    };
    expect(wrongFor(oneSided)).toEqual(['18.03194 m', 'nothing']);
  });

  test('control: binary fractions, rounded to two decimals as people do, are caught', () => {
    const float: Judge = (revenueFen) => {
      const percent = Number((((Number(revenueFen) - Number(CEILING)) / Number(CEILING)) * 100).toFixed(2));
      return {
        task: Math.abs(percent) <= 10 ? 'actual_price' : 'cap',
        direction: judge(revenueFen).direction,
      };
    };
    expect(wrongFor(float)).toEqual(['22.03906 m', 'one fen above ten per cent', '18.03194 m']);
  });
});

test('a ceiling of nothing has no percentage, and any revenue is above it', () => {
  expect(deviationOf({ ceilingFen: 0n, revenueFen: 0n })).toMatchObject({
    task: 'actual_price',
    percent: null,
  });
  expect(deviationOf({ ceilingFen: 0n, revenueFen: 1n })).toMatchObject({ task: 'cap', percent: null });
});

test('the band is that of the exact fraction, for any ceiling and revenue', () => {
  const fen = fc.bigInt({ min: 0n, max: 10n ** 20n });
  fc.assert(
    fc.property(fen, fen, fc.bigInt({ min: -2n, max: 2n }), (base, other, near) => {
      const ceilingFen = base * 10n;
      // Half of the cases stand at the edge of the band.
      for (const revenueFen of [other, ceilingFen + base + near, ceilingFen - base + near]) {
        if (revenueFen < 0n) continue;
        const { task, differenceFen, direction } = deviationOf({ ceilingFen, revenueFen });
        const within = differenceFen <= base && -differenceFen <= base;
        expect(task).toBe(within ? 'actual_price' : 'cap');
        expect(direction === 'below').toBe(revenueFen < ceilingFen);
      }
    }),
  );
});
