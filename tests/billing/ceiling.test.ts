/** The revenue ceiling: its figures, what is refused, and what is carried from one cycle into the next. */
import { describe, expect, test } from 'vitest';
import { carryOverOf } from '#gateway/billing/deviation.ts';
import {
  ceilingOf,
  type CeilingInputs,
  findRevenueCeilingFaults,
  parseCeilingInputs,
  parseRevenueCeiling,
  permittedFen,
} from '#gateway/billing/revenue-ceiling.ts';
import { Failure } from '#policies/refusal.ts';
import { render } from '#policies/words.ts';
import { ceilingFile, CEILING_INPUTS } from '#tests/support/price-files.ts';

const inputsOf = (changes: object = {}): CeilingInputs =>
  parseCeilingInputs({ ...CEILING_INPUTS, ...changes });

describe('the ceiling', () => {
  test('costs of 20.0 m, a subsidy of 1.5 m, a yield of 2.30 % and a margin of 6.00 give C 18.5 m, r 8.30 %, P 1.5355 m and 20.0355 m', () => {
    const ceiling = ceilingOf(inputsOf());
    expect(ceiling.costFen).toBe(1_850_000_000n);
    expect(ceiling.ratePercent).toBe('8.30');
    expect(ceiling.profitYuan).toBe('1535500.00');
    expect(ceiling.valueFen).toBe(2_003_550_000n);
  });

  test('shows its working in both languages, every figure in it', () => {
    const { working } = ceilingOf(inputsOf());
    for (const language of ['en', 'zh'] as const) {
      const text = working.map((line) => render(line, language)).join('\n');
      for (const figure of [
        '20000000.00',
        '1500000.00',
        '18500000.00',
        '2.30',
        '6.00',
        '8.30',
        '1535500.00',
        '20035500.00',
      ])
        expect(text).toContain(figure);
    }
  });

  test('adds the taxes that were entered, and no more', () => {
    expect(ceilingOf(inputsOf({ taxes: '123456.78' })).valueFen).toBe(2_003_550_000n + 12_345_678n);
  });

  test('is exact where floating point is not, and rounds down to the fen once', () => {
    const inputs = inputsOf({
      costs: [{ item: 'staff', amount: '9007199254740.93' }],
      subsidy: '0.01',
      bondYield: { year: 2025, percent: '0.000001' },
      margin: '0',
      taxes: '0.07',
    });
    const { valueFen, profitYuan } = ceilingOf(inputs);
    expect(profitYuan).toBe('90071.9925474092');
    expect(valueFen).toBe(900_719_934_481_298n);
  });

  test('control: the same rule in binary fractions loses a fen', () => {
    const inputs = inputsOf({
      costs: [{ item: 'staff', amount: '1.15' }],
      subsidy: '0',
      bondYield: { year: 2025, percent: '0' },
      margin: '0',
    });
    const inFloats = ({ costs }: CeilingInputs): bigint =>
      BigInt(Math.floor(costs.reduce((sum, { amount }) => sum + Number(amount), 0) * 100));
    expect(ceilingOf(inputs).valueFen).toBe(115n);
    expect(inFloats(inputs)).toBe(114n);
  });
});

describe('refused by name', () => {
  test.for([
    ['a margin of 6.000001 points', { margin: '6.000001' }, 'margin'],
    ['a yield of the survey’s own year', { bondYield: { year: 2026, percent: '2.30' } }, 'bondYield.year'],
    ['a subsidy above the costs', { subsidy: '20000000.01' }, 'subsidy'],
    ['an amount that is a number', { taxes: 0.1 }, 'taxes'],
    ['an amount below zero', { taxes: '-1' }, 'taxes'],
    ['an amount with three decimals', { taxes: '0.001' }, 'taxes'],
    ['an item that is no item of the Notice', { costs: [{ item: 'party', amount: '1' }] }, 'costs[0].item'],
    ['a field that nobody knows', { bonus: '1' }, 'bonus'],
  ] as const)('%s', ([, changes, field]) => {
    expect(() => inputsOf(changes)).toThrow(Failure);
    expect(() => inputsOf(changes)).toThrow(field);
  });

  test('a margin of exactly 6.00 points is permitted', () => {
    expect(ceilingOf(inputsOf({ margin: '6' })).ratePercent).toBe('8.30');
  });

  test.for([
    ['a cycle of four years', { cycle: { from: 2027, to: 2030 } }, 'cycle.to'],
    ['a cycle that ends before it begins', { cycle: { from: 2027, to: 2026 } }, 'cycle.to'],
    ['a survey after the first year', { cycle: { from: 2025, to: 2027 } }, 'inputs.surveyYear'],
    [
      'a deduction that leaves less than nothing',
      { carryOver: { opening: '60200000.00', cycles: 1 } },
      'carryOver.cycles',
    ],
  ] as const)('%s', ([, changes, field]) => {
    const faults = findRevenueCeilingFaults(ceilingFile(changes));
    expect(faults.map(({ args }) => args['field'])).toEqual([field]);
  });

  test('a cycle of three years is permitted', () => {
    expect(findRevenueCeilingFaults(ceilingFile({ cycle: { from: 2027, to: 2029 } }))).toEqual([]);
  });
});

describe('what came in above the ceiling', () => {
  test('is deducted from the next cycle, to the fen over its years', () => {
    const ceiling = parseRevenueCeiling(ceilingFile({ carryOver: { opening: '1000000.00', cycles: 1 } }));
    const years = [2027, 2028, 2029].map((year) => permittedFen(ceiling, year));
    expect(years).toEqual([
      2_003_550_000n - 33_333_334n,
      2_003_550_000n - 33_333_333n,
      2_003_550_000n - 33_333_333n,
    ]);
  });

  test('can be spread over several cycles, and the balance that is left is seen until it is gone', () => {
    let openingFen = 100_000_001n;
    const balances: bigint[] = [];
    for (const cycles of [3, 2, 1]) {
      const deductedFen = (openingFen + BigInt(cycles) - 1n) / BigInt(cycles);
      const { closingFen } = carryOverOf({ openingFen, deductedFen }, [{ ceilingFen: 10n, revenueFen: 10n }]);
      balances.push(closingFen);
      openingFen = closingFen;
    }
    expect(balances).toEqual([66_666_667n, 33_333_333n, 0n]);
  });

  test('is counted year by year: a poor year makes no room for a rich one', () => {
    const years = [
      { ceilingFen: 100n, revenueFen: 130n },
      { ceilingFen: 100n, revenueFen: 40n },
      { ceilingFen: 100n, revenueFen: 101n },
    ];
    expect(carryOverOf({ openingFen: 7n, deductedFen: 2n }, years)).toEqual({
      openingFen: 7n,
      deductedFen: 2n,
      excessFen: 31n,
      closingFen: 36n,
    });
  });

  test('outside of its cycle a ceiling says nothing', () => {
    expect(() => permittedFen(parseRevenueCeiling(ceilingFile()), 2030)).toThrow(RangeError);
  });
});
