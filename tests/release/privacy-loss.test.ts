/** Conversions between (ε, δ), ρ and pure ε, against the published formulas, and their directed rounding. */
import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { expOfMinusBits } from '#sandbox/release/exponential.ts';
import {
  capacityNanoRho,
  cdpDelta,
  cdpEpsilon,
  cdpRho,
  costNanoRho,
  epsilonOfNanoRho,
  nanoDown,
  nanoUp,
  pureEpsilonOfRho,
  pureRho,
  yoctoDown,
  yoctoUp,
} from '#sandbox/release/privacy-loss.ts';
import { numberOf, rational, type Rational } from '#sandbox/release/rational.ts';
import vectors from '#tests/vectors/zcdp.json' with { type: 'json' };

/** Relative distance; the limit of 1e-9 is the acceptance figure, what is reached is near 1e-13. */
function distance(actual: number, exact: number): number {
  return Math.abs(actual / exact - 1);
}

describe('conversions agree with proposition 12 of Canonne, Kamath and Steinke', () => {
  test.for(vectors.rho)('cdp_rho($epsilon, $delta)', ({ epsilon, delta, rho }) => {
    expect(distance(cdpRho(epsilon, delta), Number(rho))).toBeLessThan(1e-11);
  });

  test.for(vectors.epsilon)('cdp_eps($rho, $delta)', ({ rho, delta, epsilon }) => {
    expect(distance(cdpEpsilon(rho, delta), Number(epsilon))).toBeLessThan(1e-11);
  });

  test.for(vectors.delta)('cdp_delta($rho, $epsilon)', ({ rho, epsilon, delta }) => {
    expect(distance(cdpDelta(rho, epsilon), Number(delta))).toBeLessThan(1e-11);
  });

  test('the three are inverse to each other from 1e-6 to 1e10 and down to 1e-300', () => {
    const epsilons = fc.double({ min: -6, max: 10, noNaN: true }).map((e) => 10 ** e);
    const deltas = fc.double({ min: -300, max: -3, noNaN: true }).map((e) => 10 ** e);
    fc.assert(
      fc.property(epsilons, deltas, (epsilon, delta) => {
        const rho = cdpRho(epsilon, delta);
        expect(distance(cdpEpsilon(rho, delta), epsilon)).toBeLessThan(1e-9);
        // δ reacts to a relative change of ε and ρ up to about β·ε ≈ √(ε·ln(1/δ)) times as strongly.
        const strength = 1 + Math.sqrt(epsilon * -Math.log(delta)) - Math.log(delta);
        expect(distance(cdpDelta(rho, epsilon), delta)).toBeLessThan(1e-13 * strength);
      }),
    );
  });

  test('nothing spent is no loss', () => {
    expect(cdpDelta(0, 1)).toBe(0);
    expect(cdpEpsilon(0, 1e-6)).toBe(0);
    expect(epsilonOfNanoRho(0n, 1e-6)).toBe(0);
  });

  test.for([
    [-1, 1e-6],
    [NaN, 1e-6],
    [Infinity, 1e-6],
    [1, 0],
    [1, 1],
    [1, NaN],
  ] as const)('ε %d with δ %d is a programmer’s error', ([epsilon, delta]) => {
    expect(() => cdpRho(epsilon, delta)).toThrow(RangeError);
    expect(() => costNanoRho(epsilon, delta)).toThrow(RangeError);
    expect(() => cdpEpsilon(epsilon, delta)).toThrow(RangeError);
  });
});

describe('the ledger’s integers', () => {
  test.for(vectors.rho)('of ($epsilon, $delta) round against the analyst', (vector) => {
    const [down, up] = [BigInt(vector.nanoDown), BigInt(vector.nanoUp)];
    const capacity = capacityNanoRho(vector.epsilon, vector.delta);
    const cost = costNanoRho(vector.epsilon, vector.delta);
    // Exact while a double's margin is below one nano; above, off by less than 2^-42 on the safe side.
    const slack = down >> 42n;
    expect(capacity <= down && capacity >= down - slack).toBe(true);
    expect(cost >= up && cost <= up + slack).toBe(true);
  });

  const ordinary = vectors.rho.filter(({ epsilon }) => epsilon <= 100);

  test.for(ordinary)('of ($epsilon, $delta) are the exact floor and ceiling', (vector) => {
    expect(capacityNanoRho(vector.epsilon, vector.delta)).toBe(BigInt(vector.nanoDown));
    expect(costNanoRho(vector.epsilon, vector.delta)).toBe(BigInt(vector.nanoUp));
  });

  test('negative control: rounding to the nearest integer would give some budgets away', () => {
    const nearest = vectors.rho.map(({ epsilon, delta }) => BigInt(Math.round(cdpRho(epsilon, delta) * 1e9)));
    expect(nearest.some((nano, i) => nano > BigInt(vectors.rho[i]!.nanoDown))).toBe(true);
    expect(nearest.some((nano, i) => nano < BigInt(vectors.rho[i]!.nanoUp))).toBe(true);
  });

  test('a capacity never converts back to more than the ε it came from', () => {
    const epsilons = fc.double({ min: -3, max: 10, noNaN: true }).map((e) => 10 ** e);
    const deltas = fc.double({ min: -300, max: -3, noNaN: true }).map((e) => 10 ** e);
    fc.assert(
      fc.property(epsilons, deltas, (epsilon, delta) => {
        const spent = epsilonOfNanoRho(capacityNanoRho(epsilon, delta), delta);
        // Both directed roundings are 2^-44 of the terms; the sum may show in ε's last digits.
        expect(spent).toBeLessThanOrEqual(epsilon * (1 + 1e-12));
        expect(epsilonOfNanoRho(costNanoRho(epsilon, delta), delta)).toBeGreaterThanOrEqual(epsilon);
      }),
    );
  });

  test('amounts are read from their decimal text', () => {
    expect([nanoUp(0.1), nanoDown(0.1)]).toEqual([100_000_000n, 100_000_000n]);
    expect([nanoUp(1e-10), nanoDown(1e-10)]).toEqual([1n, 0n]);
    expect([nanoUp(1e10), nanoDown(1e10)]).toEqual([10n ** 19n, 10n ** 19n]);
    expect([nanoUp(0.1234567891), nanoDown(0.1234567891)]).toEqual([123_456_790n, 123_456_789n]);
    expect([yoctoUp(1e-6), yoctoDown(1e-6)]).toEqual([10n ** 18n, 10n ** 18n]);
    expect([yoctoUp(1.5e-24), yoctoDown(1.5e-24)]).toEqual([2n, 1n]);
    expect([yoctoUp(1e-200), yoctoDown(1e-200)]).toEqual([1n, 0n]);
    expect(() => nanoUp(-1)).toThrow(RangeError);
    expect(() => yoctoDown(NaN)).toThrow(RangeError);
  });

  test('negative control: the binary value of 0.1 is more than a tenth, so that its ceiling is one too many', () => {
    const binary = rational(3_602_879_701_896_397n, 2n ** 55n);
    expect(numberOf(binary)).toBe(0.1);
    expect((binary.numerator * 10n ** 24n) / binary.denominator).not.toBe(yoctoDown(0.1));
  });
});

describe('pure mechanisms on a zCDP ledger', () => {
  /** D_α of randomised response with ε, from which every ε-differentially private mechanism can be made. */
  function responseDivergence(alpha: number, epsilon: number): number {
    const p = 1 / (1 + Math.exp(-epsilon));
    if (alpha === 1) return epsilon * Math.tanh(epsilon / 2);
    return Math.log(p ** alpha * (1 - p) ** (1 - alpha) + (1 - p) ** alpha * p ** (1 - alpha)) / (alpha - 1);
  }

  /** The largest D_α/α over orders: what a mechanism must be charged in ρ. */
  function worstRho(epsilon: number): number {
    const orders = [1.0001, 1.001, 1.01, 1.1, 1.5, 2, 3, 5, 10, 30];
    return Math.max(...orders.map((alpha) => responseDivergence(alpha, epsilon) / alpha));
  }

  test.for(vectors.pure)('ε = $epsilon costs ε·tanh(ε/2)', ({ epsilon, rho }) => {
    expect(distance(pureRho(epsilon), Number(rho))).toBeLessThan(1e-14);
  });

  test.for([0.01, 0.1, 0.5, 1, 2, 4, 8])(
    'ε = %d: no order of randomised response costs more, and one as much',
    (epsilon) => {
      expect(worstRho(epsilon)).toBeLessThanOrEqual(pureRho(epsilon) * (1 + 1e-9));
      expect(worstRho(epsilon)).toBeGreaterThan(pureRho(epsilon) * (1 - 1e-3));
    },
  );

  test('negative control: the formula of continuous Laplace noise undercharges integer noise', () => {
    for (const { epsilon, continuousLaplace } of vectors.pure) {
      expect(worstRho(epsilon)).toBeGreaterThan(Number(continuousLaplace) * 1.05);
    }
  });

  /** Whether ε·tanh(ε/2) ≤ ρ, decided with 200-bit integers: tanh(ε/2) = (1 − e^-ε)/(1 + e^-ε). */
  function isWithin(epsilon: Rational, rho: Rational): boolean {
    const bits = 200;
    const { low } = expOfMinusBits(epsilon, bits);
    const one = 1n << BigInt(bits);
    return (
      epsilon.numerator * (one - low) * rho.denominator <= rho.numerator * epsilon.denominator * (one + low)
    );
  }

  test('the inverse is rounded down, and by less than 1e-12', () => {
    const shares = fc.tuple(fc.bigInt(1n, 10n ** 19n), fc.bigInt(1n, 10_000n));
    fc.assert(
      fc.property(shares, ([nano, vectorCount]) => {
        const rho = rational(nano, vectorCount * 10n ** 9n);
        const epsilon = pureEpsilonOfRho(rho);
        expect(isWithin(epsilon, rho)).toBe(true);
        const more = rational(epsilon.numerator * (10n ** 12n + 1n), epsilon.denominator * 10n ** 12n);
        expect(isWithin(more, rho)).toBe(false);
      }),
    );
  });

  test('nothing cannot be shared out', () => {
    expect(() => pureEpsilonOfRho(rational(0n))).toThrow(RangeError);
  });
});
