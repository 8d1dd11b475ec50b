/** The accountant: what a budget holds, what a job costs, and that no order of jobs overspends. */
import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { Refusal } from '#policies/refusal.ts';
import type { Cost } from '#sandbox/plan.ts';
import {
  type Capacity,
  capacityOf,
  charge,
  costOf,
  isAffordable,
  leftOf,
  type Ledger,
  lineageView,
  openLedger,
} from '#sandbox/release/accountant.ts';

import {
  cdpEpsilon,
  cdpRho,
  costNanoRho,
  epsilonOfNanoRho,
  yoctoDown,
} from '#sandbox/release/privacy-loss.ts';

const NOISY = { keysMayBeThresholded: false, mechanism: 'gaussian' } as const;
const SELECTING = { keysMayBeThresholded: true, mechanism: 'gaussian' } as const;
const PURE = { keysMayBeThresholded: false, mechanism: 'laplace' } as const;

function costing(nano: bigint, thresholdDeltaYocto = 0n): Cost {
  return { unit: 'rho', nano, thresholdDeltaYocto, epsilon: 1, delta: 1e-6 };
}

function ledgerOf(nano: bigint, thresholdDeltaYocto = 0n): Ledger {
  return openLedger({ unit: 'rho', nano, thresholdDeltaYocto });
}

/** The call's value, or the code it was refused with; anything else that is thrown stays thrown. */
function outcome<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describe('capacity', () => {
  test('with listed keys the whole δ converts ρ', () => {
    expect(capacityOf({ epsilon: 8, delta: 1e-6 }, NOISY)).toEqual({
      unit: 'rho',
      nano: 1_052_358_004n,
      thresholdDeltaYocto: 0n,
    });
  });

  test('where keys may be thresholded, half of δ is set aside for their selection', () => {
    expect(capacityOf({ epsilon: 8, delta: 1e-6 }, SELECTING)).toEqual({
      unit: 'rho',
      nano: 1_008_452_914n,
      thresholdDeltaYocto: 5n * 10n ** 17n,
    });
  });

  test('a budget without δ is a pure ledger, for Laplace noise and listed keys only', () => {
    expect(capacityOf({ epsilon: 0.1, delta: 0 }, PURE)).toEqual({
      unit: 'epsilon',
      nano: 100_000_000n,
      thresholdDeltaYocto: 0n,
    });
    expect(() => capacityOf({ epsilon: 1, delta: 0 }, NOISY)).toThrow(RangeError);
    expect(() => capacityOf({ epsilon: 1, delta: 0 }, { ...PURE, keysMayBeThresholded: true })).toThrow(
      RangeError,
    );
  });

  test.for([0, -1, NaN, Infinity])('ε = %d is no budget and no request', (epsilon) => {
    expect(() => capacityOf({ epsilon, delta: 1e-6 }, NOISY)).toThrow(RangeError);
    const request = { epsilon, delta: 1e-6, thresholdDelta: 0, thresholded: false };
    expect(() => costOf({ ...request, unit: 'rho' })).toThrow(RangeError);
    expect(() => costOf({ ...request, unit: 'epsilon' })).toThrow(RangeError);
  });
});

describe('cost', () => {
  const request = { epsilon: 1, delta: 1e-6, thresholdDelta: 1e-9, unit: 'rho', thresholded: false } as const;

  test('is rounded up, and free of key selection with listed keys', () => {
    expect(costOf(request)).toEqual({
      unit: 'rho',
      nano: 24_355_971n,
      thresholdDeltaYocto: 0n,
      epsilon: 1,
      delta: 1e-6,
    });
    expect(costOf({ ...request, epsilon: 1e-6 }).nano).toBe(1n);
  });

  test('of thresholded keys is their δ, rounded up', () => {
    expect(costOf({ ...request, thresholded: true }).thresholdDeltaYocto).toBe(10n ** 15n);
    expect(costOf({ ...request, thresholded: true, thresholdDelta: 1e-200 }).thresholdDeltaYocto).toBe(1n);
    expect(() => costOf({ ...request, thresholded: true, thresholdDelta: 0 })).toThrow(RangeError);
  });

  test('on a pure ledger is ε itself', () => {
    expect(costOf({ ...request, unit: 'epsilon', epsilon: 0.25 })).toEqual({
      unit: 'epsilon',
      nano: 250_000_000n,
      thresholdDeltaYocto: 0n,
      epsilon: 0.25,
      delta: 0,
    });
    expect(() => costOf({ ...request, unit: 'epsilon', thresholded: true })).toThrow(RangeError);
  });

  test('a request without δ has no price in ρ', () => {
    expect(() => costOf({ ...request, delta: 0 })).toThrow(RangeError);
  });
});

describe('a ledger', () => {
  const amount = fc.bigInt(0n, 10n ** 20n);
  const positive = fc.bigInt(1n, 10n ** 20n);

  test('refuses exactly what it cannot afford, to the last nano and the last yocto', () => {
    fc.assert(
      fc.property(amount, amount, positive, amount, (nano, yocto, asksNano, asksYocto) => {
        const ledger = ledgerOf(nano, yocto);
        const cost = costing(asksNano, asksYocto);
        const fits = asksNano <= nano && asksYocto <= yocto;
        expect(isAffordable(ledger, cost)).toBe(fits);
        const after = outcome(() => leftOf(charge(ledger, cost)));
        const want = { nano: nano - asksNano, thresholdDeltaYocto: yocto - asksYocto };
        expect(after).toEqual(fits ? want : 'BUDGET');
      }),
    );
    expect(leftOf(charge(ledgerOf(9n, 2n), costing(9n, 2n)))).toEqual({ nano: 0n, thresholdDeltaYocto: 0n });
    expect(outcome(() => charge(ledgerOf(9n, 2n), costing(10n, 2n)))).toBe('BUDGET');
    expect(outcome(() => charge(ledgerOf(9n, 2n), costing(9n, 3n)))).toBe('BUDGET');
  });

  const costs = fc.array(fc.tuple(fc.bigInt(1n, 400n), fc.bigInt(0n, 40n)), { maxLength: 40 });

  test('never overspends, whatever is asked and in whatever order', () => {
    fc.assert(
      fc.property(costs, (asked) => {
        let ledger = ledgerOf(1000n, 100n);
        let [nano, yocto] = [0n, 0n];
        for (const [n, y] of asked) {
          const next = outcome(() => charge(ledger, costing(n, y)));
          if (typeof next === 'string') continue;
          ledger = next;
          nano += n;
          yocto += y;
        }
        expect([ledger.spentNano, ledger.spentThresholdDeltaYocto]).toEqual([nano, yocto]);
        expect(nano <= 1000n && yocto <= 100n).toBe(true);
      }),
    );
  });

  /** Chooses the next request by what became of the last: more after an answer, less after a refusal. */
  function adaptively(
    ledger: Ledger,
    first: { readonly epsilon: number; readonly delta: number; readonly thresholdDelta: number },
    steps: readonly number[],
  ): Ledger {
    let [kept, epsilon] = [ledger, first.epsilon];
    for (const step of steps) {
      const cost = costOf({ ...first, epsilon, unit: 'rho', thresholded: first.thresholdDelta > 0 });
      const next = outcome(() => charge(kept, cost));
      const isAnswered = typeof next !== 'string';
      if (isAnswered) kept = next;
      epsilon = isAnswered ? epsilon * step : epsilon / (1 + step);
    }
    return kept;
  }

  test('B9: however ε is chosen after each answer, all together stay within the budget’s (ε, δ)', () => {
    const exponent = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((e) => 10 ** e);
    const budgets = fc.record({ epsilon: exponent(-2, 2), delta: exponent(-12, -3) });
    const requests = fc.record({
      epsilon: exponent(-3, 2),
      delta: exponent(-14, -4),
      thresholdDelta: exponent(-14, -4),
    });
    const steps = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { maxLength: 60 });
    fc.assert(
      fc.property(budgets, requests, steps, fc.boolean(), (budget, request, path, thresholded) => {
        const first = { ...request, thresholdDelta: thresholded ? request.thresholdDelta : 0 };
        const capacity = capacityOf(budget, thresholded ? SELECTING : NOISY);
        const ledger = adaptively(openLedger(capacity), first, path);
        const conversionDelta = thresholded ? budget.delta / 2 : budget.delta;
        // Directed rounding: 2^-44 of the terms, as for a capacity that is spent whole.
        expect(epsilonOfNanoRho(ledger.spentNano, conversionDelta)).toBeLessThanOrEqual(
          budget.epsilon * (1 + 1e-12),
        );
        expect(ledger.spentThresholdDeltaYocto * 2n <= yoctoDown(budget.delta)).toBe(true);
      }),
    );
  });

  test('negative control: costs rounded to the nearest nano would let many small requests overspend', () => {
    const budget = { epsilon: 0.01, delta: 1e-6 };
    // One request costs 1.2 nano-ρ, to be charged as 2; charged as 1, a full ledger holds a fifth too many.
    const exact = cdpRho(1e-4, 1e-6) * 1e9;
    expect(costNanoRho(1e-4, 1e-6)).toBe(2n);
    const rounded = BigInt(Math.round(exact));
    const fitting = Number(capacityOf(budget, NOISY).nano / rounded);
    expect(cdpEpsilon((fitting * exact) / 1e9, budget.delta)).toBeGreaterThan(budget.epsilon);
  });

  test('what has been charged is the sum, however the same requests were interleaved', () => {
    const shuffled = fc
      .array(fc.tuple(fc.bigInt(1n, 20n), fc.bigInt(0n, 2n)), { maxLength: 40 })
      .chain((asked) =>
        fc.tuple(fc.constant(asked), fc.shuffledSubarray(asked, { minLength: asked.length })),
      );
    fc.assert(
      fc.property(shuffled, ([asked, reordered]) => {
        const spend = (order: readonly (readonly [bigint, bigint])[]): Ledger =>
          order.reduce((ledger, [n, y]) => charge(ledger, costing(n, y)), ledgerOf(1000n, 100n));
        expect(spend(reordered)).toEqual(spend(asked));
      }),
    );
  });

  test('a refusal changes nothing and names public amounts only', () => {
    const ledger = charge(ledgerOf(100n, 10n), costing(60n, 4n));
    const before = structuredClone(ledger);
    const refusals = [costing(41n, 0n), costing(1n, 7n)].map((cost) => {
      try {
        charge(ledger, cost);
      } catch (error) {
        if (error instanceof Refusal) return error.sentence;
      }
      return null;
    });
    expect(ledger).toEqual(before);
    expect(refusals).toEqual([
      { id: 'budget.exhausted', args: { cost: '41', left: '40', unit: 'nano-ρ' } },
      { id: 'budget.thresholdExhausted', args: { cost: '7e-24', left: '6e-24' } },
    ]);
  });

  test('a capacity lowered below what was spent leaves nothing, and no negative amounts', () => {
    const spent = charge(ledgerOf(100n, 10n), costing(60n, 4n));
    const lowered: Ledger = { ...spent, capacity: { unit: 'rho', nano: 50n, thresholdDeltaYocto: 3n } };
    expect(leftOf(lowered)).toEqual({ nano: 0n, thresholdDeltaYocto: 0n });
    expect(isAffordable(lowered, costing(1n))).toBe(false);
  });

  test('a cost in another unit, or none at all, is a programmer’s error', () => {
    const pure: Capacity = { unit: 'epsilon', nano: 100n, thresholdDeltaYocto: 0n };
    expect(() => charge(openLedger(pure), costing(1n))).toThrow(RangeError);
    expect(() => isAffordable(openLedger(pure), costing(1n))).toThrow(RangeError);
    expect(() => charge(ledgerOf(100n), costing(0n))).toThrow(RangeError);
    expect(() => charge(ledgerOf(100n), costing(1n, -1n))).toThrow(RangeError);
  });
});

describe('the order of checking and charging', () => {
  /** What a request does between arriving and answering. */
  type Step = 'arrive' | 'answer';

  interface Account {
    ledger: Ledger;
  }

  /** Returns how much noise was really spent when requests of 30 run through two steps each in the given order. */
  function spentBy(schedule: readonly number[], run: (account: Account, step: Step) => boolean): bigint {
    const account: Account = { ledger: ledgerOf(100n) };
    const [arrived, dropped] = [new Set<number>(), new Set<number>()];
    let answered = 0n;
    for (const request of schedule) {
      const step: Step = arrived.has(request) ? 'answer' : 'arrive';
      arrived.add(request);
      if (dropped.has(request)) continue;
      if (!run(account, step)) dropped.add(request);
      else if (step === 'answer') answered += 30n;
    }
    return answered;
  }

  /** Ours: the whole cost is charged when the request arrives, before data are opened. */
  function chargedFirst(account: Account, step: Step): boolean {
    if (step === 'answer') return true;
    const next = outcome(() => charge(account.ledger, costing(30n)));
    if (typeof next === 'string') return false;
    account.ledger = next;
    return true;
  }

  /** Broken: affordable on arrival, charged with the answer, as several published systems do. */
  function chargedLate(account: Account, step: Step): boolean {
    if (step === 'arrive') return isAffordable(account.ledger, costing(30n));
    account.ledger = { ...account.ledger, spentNano: account.ledger.spentNano + 30n };
    return true;
  }

  const schedules = fc.shuffledSubarray(
    Array.from({ length: 20 }, (_, i) => i % 10),
    { minLength: 20, maxLength: 20 },
  );

  test('charged on arrival, ten concurrent requests never spend more than there is', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        expect(spentBy(schedule, chargedFirst) <= 100n).toBe(true);
      }),
    );
  });

  test('negative control: charged with the answer, some interleaving overspends', () => {
    const overspends = fc.check(
      fc.property(schedules, (schedule) => spentBy(schedule, chargedLate) <= 100n),
      { seed: 1 },
    );
    expect(overspends.failed).toBe(true);
    const together = [...Array.from({ length: 10 }, (_, i) => i), ...Array.from({ length: 10 }, (_, i) => i)];
    expect(spentBy(together, chargedLate)).toBe(300n);
  });
});

describe('the account as buyers see it', () => {
  const budget = { epsilon: 8, delta: 1e-6 };

  test('an untouched account has everything left', () => {
    const ledger = openLedger(capacityOf(budget, SELECTING));
    expect(lineageView(ledger, budget)).toEqual({
      epsilonSpent: 0,
      epsilonLeft: 8,
      thresholdDeltaLeft: 5e-7,
    });
  });

  test('what was spent is converted with the δ that is not set aside, and rounded up', () => {
    const listed = charge(openLedger(capacityOf(budget, NOISY)), costing(100_000_000n));
    // cdp_eps(0.1, 1e-6).
    expect(lineageView(listed, budget).epsilonSpent).toBeCloseTo(2.14193892838, 9);
    expect(lineageView(listed, budget).epsilonSpent).toBeGreaterThan(2.141938928385473);
    expect(lineageView(listed, budget).epsilonLeft).toBeCloseTo(8 - 2.14193892838, 9);
    const selecting = charge(openLedger(capacityOf(budget, SELECTING)), costing(100_000_000n, 10n ** 17n));
    expect(lineageView(selecting, budget).epsilonSpent).toBeGreaterThan(
      lineageView(listed, budget).epsilonSpent,
    );
    expect(lineageView(selecting, budget).thresholdDeltaLeft).toBe(4e-7);
  });

  test('a full account shows its budget and nothing left', () => {
    for (const policy of [NOISY, SELECTING]) {
      const capacity = capacityOf(budget, policy);
      const view = lineageView(charge(openLedger(capacity), costing(capacity.nano)), budget);
      expect(view.epsilonSpent).toBeCloseTo(8, 7);
      expect(view.epsilonLeft).toBeGreaterThanOrEqual(0);
      expect(view.epsilonLeft).toBeLessThan(1e-7);
    }
  });

  test('a pure account adds its ε', () => {
    const pure = { epsilon: 1, delta: 0 };
    const cost = costOf({ epsilon: 0.3, delta: 0, thresholdDelta: 0, unit: 'epsilon', thresholded: false });
    const ledger = charge(charge(openLedger(capacityOf(pure, PURE)), cost), cost);
    expect(lineageView(ledger, pure)).toEqual({ epsilonSpent: 0.6, epsilonLeft: 0.4, thresholdDeltaLeft: 0 });
  });
});
