/** Splits: shares that add up, that a reversal takes back exactly, and that nobody's place in a list changes. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { divideHalfUp } from '#gateway/billing/decimal.ts';
import {
  type PayeeType,
  sharesOf,
  splitByWeights,
  type SplitTerms,
  WHOLE_PPM,
  type WeightedPart,
} from '#gateway/billing/split.ts';

const named = (weights: readonly bigint[]): WeightedPart[] =>
  weights.map((weight, index) => ({ id: `p${String(index).padStart(2, '0')}`, weight }));

const amountsOf = (amount: bigint, weights: readonly bigint[]): readonly bigint[] =>
  splitByWeights(amount, named(weights)).map(({ amountFen }) => amountFen);

test.for([
  { amount: 100n, weights: [1n, 1n, 1n], shares: [34n, 33n, 33n], says: 'equal remainders: first by id' },
  { amount: 101n, weights: [1n, 1n, 1n], shares: [34n, 34n, 33n], says: 'two fen are left' },
  { amount: 100n, weights: [600_000n, 250_000n, 150_000n], shares: [60n, 25n, 15n], says: 'exact' },
  {
    amount: 99n,
    weights: [600_000n, 250_000n, 150_000n],
    shares: [59n, 25n, 15n],
    says: '59.4, 24.75, 14.85',
  },
  { amount: 1n, weights: [1n, 2n, 3n], shares: [0n, 0n, 1n], says: 'one fen goes to the largest part' },
  { amount: -100n, weights: [1n, 1n, 1n], shares: [-34n, -33n, -33n], says: 'a reversal' },
  { amount: 0n, weights: [1n, 5n], shares: [0n, 0n], says: 'nothing' },
  { amount: 7n, weights: [0n, 1n], shares: [0n, 7n], says: 'no weight, no share' },
])('$amount fen by $weights: $says', ({ amount, weights, shares }) => {
  expect(amountsOf(amount, weights)).toEqual(shares);
});

type Splitter = (
  amount: bigint,
  parts: readonly WeightedPart[],
) => readonly { id: string; amountFen: bigint }[];

/** What is wrong with a split. */
function faultsOf(split: Splitter, amount: bigint, parts: readonly WeightedPart[]): readonly string[] {
  const shares = split(amount, parts);
  const back = split(-amount, parts);
  const total = parts.reduce((sum, { weight }) => sum + weight, 0n);
  const shareOf = (id: string): bigint => shares.find((share) => share.id === id)?.amountFen ?? 0n;
  const off = parts.some(({ id, weight }) => {
    const distance = shareOf(id) * total - amount * weight;
    return distance >= total || -distance >= total;
  });
  const turned = split(amount, parts.toReversed());
  return [
    shares.reduce((sum, { amountFen }) => sum + amountFen, 0n) === amount ? '' : 'does not add up',
    shares.every(({ id }, index) => back[index]?.amountFen === -shareOf(id)) ? '' : 'is not reversed exactly',
    off ? 'is off by a fen or more' : '',
    turned.every(({ id, amountFen }) => shareOf(id) === amountFen) ? '' : 'depends on the order',
  ].filter((fault) => fault !== '');
}

const PARTS = fc
  .array(fc.bigInt(0n, 1_000_000n), { minLength: 1, maxLength: 12 })
  .filter((weights) => weights.some((weight) => weight > 0n))
  .map(named);
const AMOUNT = fc.oneof(fc.bigInt(-1000n, 1000n), fc.bigInt(-(10n ** 20n), 10n ** 20n));

/** Broken: every share is rounded by itself. */
const roundedEach: Splitter = (amount, parts) => {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0n);
  return parts.map(({ id, weight }) => ({ id, amountFen: divideHalfUp(amount * weight, total) }));
};

/** Broken: the last gets what the others leave. */
const restToLast: Splitter = (amount, parts) => {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0n);
  const shares = parts.map(({ id, weight }) => ({ id, amountFen: (amount * weight) / total }));
  const given = shares.slice(0, -1).reduce((sum, { amountFen }) => sum + amountFen, 0n);
  return shares.map((share, index) =>
    index === shares.length - 1 ? { ...share, amountFen: amount - given } : share,
  );
};

/** Broken: a negative amount is rounded down as well, so that a reversal takes more than was given. */
const flooredBelowZero: Splitter = (amount, parts) => {
  if (amount >= 0n) return splitByWeights(amount, parts);
  const first = parts.find(({ weight }) => weight > 0n)?.id;
  return splitByWeights(amount + 1n, parts).map((share) =>
    share.id === first ? { ...share, amountFen: share.amountFen - 1n } : share,
  );
};

test('shares add up, are off by less than a fen, are reversed exactly and do not depend on the order', () => {
  const sound = (split: Splitter) =>
    fc.property(AMOUNT, PARTS, (amount, parts) => faultsOf(split, amount, parts).length === 0);
  fc.assert(sound(splitByWeights), { numRuns: 2_000 });
  // Controls: the same property.
  for (const broken of [roundedEach, restToLast, flooredBelowZero])
    expect(fc.check(sound(broken), { numRuns: 2_000, endOnFailure: true }).failed).toBe(true);
});

test('what cannot be divided is refused', () => {
  expect(() => splitByWeights(1n, [])).toThrow(RangeError);
  expect(() => splitByWeights(1n, named([0n, 0n]))).toThrow(RangeError);
  expect(() => splitByWeights(1n, named([2n, -1n]))).toThrow(RangeError);
  expect(() => splitByWeights(1n, [...named([1n]), ...named([1n])])).toThrow(RangeError);
});

const AGREEMENT: SplitTerms = {
  payees: [
    { id: 'health-commission', type: 'source_dept' },
    { id: 'operator', type: 'operator' },
    { id: 'city-treasury', type: 'treasury' },
  ],
  split: [
    {
      feeType: 'data_usage',
      shares: [
        { to: 'contributors', partsPerMillion: 600_000 },
        { to: 'city-treasury', partsPerMillion: 300_000 },
        { to: 'health-commission', partsPerMillion: 100_000 },
      ],
    },
    { feeType: 'technical_service', shares: [{ to: 'operator', partsPerMillion: WHOLE_PPM }] },
  ],
};

const WEIGHTS = [
  { dataset: 'visits', contributor: 'hospital-a', weight: '2' },
  { dataset: 'visits', contributor: 'hospital-b', weight: '1' },
  { dataset: 'registry', contributor: 'health-commission', weight: '1' },
];

const paid = (amount: bigint, feeType: 'data_usage' | 'technical_service', weights = WEIGHTS) =>
  Object.fromEntries(
    sharesOf(amount, AGREEMENT, feeType, weights).map(({ payee, amountFen }) => [payee, amountFen]),
  );

test('shares follow the rule of the fee, and what is for the contributors their weights', () => {
  // 600 to contributors by 2 : 1 : 1, and the commission's own 100 with its part as a contributor.
  expect(paid(1000n, 'data_usage')).toEqual({
    'city-treasury': 300n,
    'health-commission': 250n,
    'hospital-a': 300n,
    'hospital-b': 150n,
  });
  expect(paid(1000n, 'technical_service')).toEqual({ operator: 1000n });
  expect(paid(-1000n, 'technical_service', [])).toEqual({ operator: -1000n });
});

test('a payee has the type that the agreement gives him; others are contributors', () => {
  const types = sharesOf(1000n, AGREEMENT, 'data_usage', WEIGHTS).map(
    ({ payee, payeeType }): [string, PayeeType] => [payee, payeeType],
  );
  expect(types).toEqual([
    ['city-treasury', 'treasury'],
    ['health-commission', 'source_dept'],
    ['hospital-a', 'contributor'],
    ['hospital-b', 'contributor'],
  ]);
});

test('shares of an agreement add up and are reversed exactly, whatever the weights', () => {
  const weights = fc.array(
    fc.record({
      dataset: fc.constantFrom('visits', 'registry'),
      contributor: fc.constantFrom('hospital-a', 'hospital-b', 'hospital-c', 'health-commission'),
      weight: fc.bigInt(1n, 10n ** 12n).map(String),
    }),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(AMOUNT, weights, (amount, contributions) => {
      const shares = sharesOf(amount, AGREEMENT, 'data_usage', contributions);
      expect(shares.reduce((sum, { amountFen }) => sum + amountFen, 0n)).toBe(amount);
      const back = sharesOf(-amount, AGREEMENT, 'data_usage', contributions.toReversed());
      expect(back.map(({ payee, amountFen }) => [payee, -amountFen])).toEqual(
        shares.map(({ payee, amountFen }) => [payee, amountFen]),
      );
    }),
  );
});

test('contributors who are to be paid and are not named, and a fee without a rule, are refused', () => {
  expect(() => sharesOf(1n, AGREEMENT, 'data_usage', [])).toThrow(RangeError);
  expect(() => sharesOf(1n, { ...AGREEMENT, split: [] }, 'data_usage', WEIGHTS)).toThrow(RangeError);
});
