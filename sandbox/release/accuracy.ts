/**
 * Accuracy instead of ε: the cheapest form of a Plan whose every output is as exact as its buyer needs.
 *
 * ε is sought among the numbers of six significant digits, from 1e-9 (one nano: nothing costs less) to the most that
 * may be asked, which is a candidate itself. Half-widths of discrete noise are step functions of ε that never rise:
 * two candidates either cost the same nano, or their noise differs by more than its figures are rounded.
 * Guarantee: the figures that a quote states meet the accuracy at the ε found, and do not at the candidate below; both
 * were evaluated. The same Plan, accuracy and maximum give the same ε, and no data are touched.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Plan, Presentation } from '../plan.ts';
import { costAt } from './accountant.ts';
import { expectedErrorsOf, roundedUp } from './expected-error.ts';

/** What a buyer may state instead of ε; null where nothing is said. */
export interface AccuracyAsk {
  readonly epsilon: number | null;
  /** Half of a 95 % interval, in the unit of the output. */
  readonly maxError?: number | null;
  /** The size of the group for which it is meant, where the error depends on it. */
  readonly atSize?: number | null;
}

/** An accuracy that was asked for: every output right to ±`maxError` in 95 of 100 answers. */
export interface Accuracy {
  readonly maxError: number;
  readonly atSize: number | null;
}

/** The nearest error that can be had, rounded up to six digits, and the least ε that gives it. */
interface Nearest {
  readonly error: number;
  readonly epsilon: number;
}

/** Significant digits of ε, and of an error that is named. */
const DIGITS = 6;
/** Candidates per decade of ε: mantissas of so many digits. */
const PER_DECADE = 900_000;
const FIRST_MANTISSA = 100_000;
/** The exponent of ε that the first candidate's six-digit mantissa has: 100000e-14 is 1e-9. */
const FIRST_EXPONENT = -14;

/** The accuracy that a request states, or null. Refuses PARAM: beside ε, without its number, or not a fit one. */
export function accuracyOf({ epsilon, maxError = null, atSize = null }: AccuracyAsk): Accuracy | null {
  if (maxError === null && atSize === null) return null;
  if (epsilon !== null) throw new Refusal('PARAM', say('accuracy.both'));
  if (maxError === null) throw new Refusal('PARAM', say('accuracy.alone'));
  if (!(maxError > 0 && maxError < Infinity))
    throw new Refusal('PARAM', say('accuracy.maxError', { asked: String(maxError) }));
  if (atSize !== null && !(Number.isSafeInteger(atSize) && atSize >= 1))
    throw new Refusal('PARAM', say('accuracy.size', { asked: String(atSize) }));
  return { maxError, atSize };
}

/**
 * The cheapest form of a Plan that meets an accuracy; its own ε is the most that may be asked. Refuses PARAM: an error
 * that depends on a size not stated, and an accuracy out of reach, with the nearest that is not.
 */
export function cheapestPlan(plan: Plan, accuracy: Accuracy, presentation: Presentation): Plan {
  checkSized(plan, accuracy, presentation);
  const { error, aggregate } = worstError(plan, accuracy);
  if (error > accuracy.maxError) {
    const nearest = nearestOf(plan, accuracy);
    const name = nameOf(presentation, aggregate);
    const max = plan.cost.epsilon;
    throw new Refusal(
      'PARAM',
      say('accuracy.unreachable', { name, limit: accuracy.maxError, max, ...nearest }),
    );
  }
  return withEpsilon(plan, leastEpsilon(plan, accuracy));
}

/**
 * The refusal of a Plan that meets an accuracy but costs more nano than are left, with the nearest accuracy that they
 * pay for; null where nothing can be had for them, or they are not what is short.
 */
export function shortOfBudget(
  plan: Plan,
  ask: AccuracyAsk,
  left: { readonly lineage: string; readonly nano: bigint },
): Refusal | null {
  const accuracy = accuracyOf(ask);
  const { top, at } = candidatesUpTo(plan.cost.epsilon);
  const tooDear = (index: number): boolean => costAt(plan.cost, at(index)).nano > left.nano;
  const affordable = tooDear(top) ? leastOf(top, tooDear) - 1 : -1;
  if (accuracy === null || affordable < 0) return null;
  const nearest = nearestOf(withEpsilon(plan, at(affordable)), accuracy);
  const { lineage } = left;
  return new Refusal('BUDGET', say('accuracy.budget', { lineage, limit: accuracy.maxError, ...nearest }));
}

/** The best that a Plan gives at its own ε, and the least ε that gives as much. */
function nearestOf(plan: Plan, accuracy: Accuracy): Nearest {
  const error = roundedUp(worstError(plan, accuracy).error, DIGITS);
  return { error, epsilon: leastEpsilon(plan, { ...accuracy, maxError: error }) };
}

/** The least candidate up to the Plan's own ε that meets an accuracy which that one meets. */
function leastEpsilon(plan: Plan, accuracy: Accuracy): number {
  const candidates = candidatesUpTo(plan.cost.epsilon);
  const meets = (index: number): boolean =>
    worstError(withEpsilon(plan, candidates.at(index)), accuracy).error <= accuracy.maxError;
  return candidates.at(leastOf(candidates.top, meets));
}

/** The least index from 0 at which a condition holds that holds at `top` and, once it holds, at all above. */
function leastOf(top: number, holds: (index: number) => boolean): number {
  let [low, high] = [-1, top];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

interface Candidates {
  readonly top: number;
  readonly at: (index: number) => number;
}

function candidatesUpTo(max: number): Candidates {
  const onGrid = (index: number): number => {
    const decade = Math.floor(index / PER_DECADE);
    return Number(`${FIRST_MANTISSA + (index - decade * PER_DECADE)}e${decade + FIRST_EXPONENT}`);
  };
  const [mantissa, exponent] = max.toExponential(5).split('e') as [string, string];
  const nearest =
    (Number(exponent) - (FIRST_EXPONENT + 5)) * PER_DECADE +
    Math.round(Number(mantissa) * FIRST_MANTISSA) -
    FIRST_MANTISSA;
  const top = Math.max(0, onGrid(nearest) < max ? nearest + 1 : nearest);
  return { top, at: (index) => Math.min(max, onGrid(index)) };
}

/** The largest error of all outputs, and whose it is. */
function worstError(
  plan: Plan,
  { atSize }: Accuracy,
): { readonly error: number; readonly aggregate: number } {
  const errors = expectedErrorsOf(plan, atSize === null ? [] : [atSize]).map((expected) => ({
    error: 'half95' in expected ? expected.half95 : expected.atSize[0]!.half95,
    aggregate: expected.aggregate,
  }));
  return errors.reduce((worst, one) => (one.error > worst.error ? one : worst));
}

function checkSized(plan: Plan, { atSize }: Accuracy, presentation: Presentation): void {
  if (atSize !== null) return;
  const sized = expectedErrorsOf(plan, []).find((expected) => 'atSize' in expected);
  if (sized !== undefined)
    throw new Refusal('PARAM', say('accuracy.atSize', { name: nameOf(presentation, sized.aggregate) }));
}

function withEpsilon(plan: Plan, epsilon: number): Plan {
  return { ...plan, cost: costAt(plan.cost, epsilon) };
}

function nameOf({ outputs }: Presentation, aggregate: number): string {
  return outputs.find((output) => output.aggregate === aggregate)?.name ?? '';
}
