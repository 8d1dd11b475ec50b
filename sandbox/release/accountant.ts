/**
 * The privacy accountant: what a lineage may lose over its life, and what a request costs it.
 *
 * An entry of the ledger is (nano-ρ, δ of key selection), or nano-ε where the budget's δ is 0. ρ adds up also
 * when each request is chosen after seeing all earlier answers, and a ledger that refuses what would exceed its
 * capacity is a valid filter (Feldman and Zrnic, arXiv:2008.11193; Whitehouse et al., arXiv:2203.05481).
 * Guarantee: everything charged to one ledger is together (ε, δ)-differentially private per unit for the budget
 * its capacity came from. Amounts are integers; capacities are rounded down and costs up.
 * Only discrete Gaussian noise (Δ²/2σ²) and discrete Laplace noise (ε·tanh(ε/2), or ε on a pure ledger) are charged:
 * nothing is chosen by an exponential mechanism, whose bounded range would cost ε²/8, nor by permute-and-flip, which
 * costs ε²/2; quantiles come from noisy counts.
 * Not covered: two ledgers over the same people, who lose the sum. The caller charges before data are opened
 * and stores the new ledger in the transaction that read the old one.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Cost, Mechanism } from '#sandbox/plan.ts';
import {
  capacityNanoRho,
  costNanoRho,
  epsilonOfNanoRho,
  nanoDown,
  nanoUp,
  NANO,
  YOCTO,
  yoctoDown,
  yoctoUp,
} from './privacy-loss.ts';
import { numberOf, rational } from './rational.ts';

/** A lineage's lifetime budget as a policy states it. */
export interface Budget {
  readonly epsilon: number;
  /** 0 asks for a pure ledger. */
  readonly delta: number;
}

/** What a ledger may lose, in its unit. */
export interface Capacity {
  readonly unit: Cost['unit'];
  readonly nano: bigint;
  /** δ set aside for key selection, in units of 1e-24; 0 where no key may be thresholded. */
  readonly thresholdDeltaYocto: bigint;
}

/** A lineage's account. Reserved amounts count as spent until they are returned. */
export interface Ledger {
  readonly capacity: Capacity;
  readonly spentNano: bigint;
  readonly spentThresholdDeltaYocto: bigint;
}

/** What a request asks for, beside the policy that it falls under. */
interface CostRequest {
  readonly epsilon: number;
  readonly delta: number;
  readonly thresholdDelta: number;
  readonly unit: Cost['unit'];
  /** Whether its keys are thresholded. */
  readonly thresholded: boolean;
}

/** A ledger as its buyers may see it. */
export interface LineageView {
  readonly epsilonSpent: number;
  readonly epsilonLeft: number;
  readonly thresholdDeltaLeft: number;
}

/**
 * The capacity of a budget. Where keys may be thresholded, half of δ is set aside for their selection and the
 * rest converts ρ to ε. δ = 0 gives a pure ledger, which needs Laplace noise and listed keys (else RangeError).
 */
export function capacityOf(
  budget: Budget,
  policy: { readonly keysMayBeThresholded: boolean; readonly mechanism: Mechanism },
): Capacity {
  if (!(budget.epsilon > 0)) throw new RangeError('a budget needs a positive epsilon');
  if (budget.delta === 0) {
    if (policy.mechanism !== 'laplace') throw new RangeError('a budget without delta needs laplace noise');
    if (policy.keysMayBeThresholded) throw new RangeError('a budget without delta needs listed keys');
    return { unit: 'epsilon', nano: nanoDown(budget.epsilon), thresholdDeltaYocto: 0n };
  }
  const thresholdDeltaYocto = policy.keysMayBeThresholded ? yoctoDown(budget.delta) / 2n : 0n;
  const conversionDelta = policy.keysMayBeThresholded ? budget.delta / 2 : budget.delta;
  return { unit: 'rho', nano: capacityNanoRho(budget.epsilon, conversionDelta), thresholdDeltaYocto };
}

/** The cost of a request, rounded up. On a ρ ledger δ must be positive (else RangeError). */
export function costOf({ epsilon, delta, thresholdDelta, unit, thresholded }: CostRequest): Cost {
  if (!(epsilon > 0)) throw new RangeError('a request needs a positive epsilon');
  if (unit === 'epsilon') {
    if (thresholded) throw new RangeError('a ledger without delta needs listed keys');
    return { unit, nano: nanoUp(epsilon), thresholdDeltaYocto: 0n, epsilon, delta: 0 };
  }
  if (thresholded && !(thresholdDelta > 0 && thresholdDelta < 1)) {
    throw new RangeError('thresholded keys need a thresholdDelta between 0 and 1');
  }
  return {
    unit,
    nano: costNanoRho(epsilon, delta),
    thresholdDeltaYocto: thresholded ? yoctoUp(thresholdDelta) : 0n,
    epsilon,
    delta,
  };
}

/** The cost of the same request with another ε. */
export function costAt(cost: Cost, epsilon: number): Cost {
  const nano = cost.unit === 'epsilon' ? nanoUp(epsilon) : costNanoRho(epsilon, cost.delta);
  return { ...cost, nano, epsilon };
}

/** An account from which nothing has been spent. */
export function openLedger(capacity: Capacity): Ledger {
  return { capacity, spentNano: 0n, spentThresholdDeltaYocto: 0n };
}

/** Whether both sums stay within the capacity. */
export function isAffordable(ledger: Ledger, cost: Cost): boolean {
  checkUnit(ledger, cost);
  const left = leftOf(ledger);
  return cost.nano <= left.nano && cost.thresholdDeltaYocto <= left.thresholdDeltaYocto;
}

/** The ledger after a cost, to be stored before any data are opened; refused with BUDGET when it is not affordable. */
export function charge(ledger: Ledger, cost: Cost): Ledger {
  if (cost.nano <= 0n || cost.thresholdDeltaYocto < 0n) throw new RangeError('a request must cost something');
  if (!isAffordable(ledger, cost)) throw refusalOf(ledger, cost);
  return {
    ...ledger,
    spentNano: ledger.spentNano + cost.nano,
    spentThresholdDeltaYocto: ledger.spentThresholdDeltaYocto + cost.thresholdDeltaYocto,
  };
}

/** What is left of both sums; never negative, also where a later policy lowered the capacity. */
export function leftOf({ capacity, spentNano, spentThresholdDeltaYocto }: Ledger): {
  readonly nano: bigint;
  readonly thresholdDeltaYocto: bigint;
} {
  return {
    nano: notNegative(capacity.nano - spentNano),
    thresholdDeltaYocto: notNegative(capacity.thresholdDeltaYocto - spentThresholdDeltaYocto),
  };
}

/** The account in ε: what was spent, rounded up, and the rest of the budget's ε. */
export function lineageView(ledger: Ledger, budget: Budget): LineageView {
  const epsilonSpent = epsilonSpentOf(ledger, budget);
  return {
    epsilonSpent,
    epsilonLeft: Math.max(0, budget.epsilon - epsilonSpent),
    thresholdDeltaLeft: numberOf(rational(leftOf(ledger).thresholdDeltaYocto, YOCTO)),
  };
}

function epsilonSpentOf({ capacity, spentNano }: Ledger, { delta }: Budget): number {
  if (capacity.unit === 'epsilon') return numberOf(rational(spentNano, NANO));
  return epsilonOfNanoRho(spentNano, capacity.thresholdDeltaYocto > 0n ? delta / 2 : delta);
}

/** Names public amounts only: the cost is a function of the request, the rest of the ledger is shown anyway. */
function refusalOf(ledger: Ledger, cost: Cost): Refusal {
  const left = leftOf(ledger);
  if (cost.nano > left.nano) {
    return new Refusal(
      'BUDGET',
      say('budget.exhausted', {
        cost: String(cost.nano),
        left: String(left.nano),
        unit: cost.unit === 'rho' ? 'nano-ρ' : 'nano-ε',
      }),
    );
  }
  return new Refusal(
    'BUDGET',
    say('budget.thresholdExhausted', {
      cost: String(numberOf(rational(cost.thresholdDeltaYocto, YOCTO))),
      left: String(numberOf(rational(left.thresholdDeltaYocto, YOCTO))),
    }),
  );
}

function checkUnit(ledger: Ledger, cost: Cost): void {
  if (ledger.capacity.unit !== cost.unit) throw new RangeError('cost and ledger differ in unit');
}

function notNegative(amount: bigint): bigint {
  return amount > 0n ? amount : 0n;
}
