/**
 * How far a year's revenue is from its ceiling, which task follows, and what is carried into the next cycle.
 *
 * Guarantee: exact; nothing is rounded before it is compared. The deviation has a sign, and a deviation of exactly ten per
 * cent belongs to the lower band. What is carried over is what came in above the ceiling, year by year: a year below its
 * ceiling is no right to exceed it in another.
 * Not covered: where revenue and ceilings come from (storage/price-revenue.ts, revenue-ceiling.ts).
 *
 * Bands, deduction and its spreading: 国家发展改革委、国家数据局《关于建立公共数据资源授权运营价格形成机制的通知》（发改价格〔2025〕65号）.
 * That the sign counts and that years are not set off against each other is our reading.
 */
import { type Sentence, say } from '#policies/words.ts';
import { absolute, decimalText, divideHalfUp } from './decimal.ts';

/** Up to this deviation, inclusive, the operator looks at its actual prices; above it, the authorising body at its caps. */
const BAND_PERCENT = 10n;
/** Decimals of a deviation as it is shown, in per cent. The band is decided before. */
const SHOWN_PLACES = 6;
const SHOWN_UNIT = 10n ** BigInt(SHOWN_PLACES + 2);

export type PriceTaskKind = 'actual_price' | 'cap';

export interface Deviation {
  readonly ceilingFen: bigint;
  readonly revenueFen: bigint;
  /** Revenue less ceiling: below zero where less came in. */
  readonly differenceFen: bigint;
  /** In per cent, with its sign, six decimals; null for a ceiling of nothing. */
  readonly percent: string | null;
  readonly direction: 'above' | 'below' | 'equal';
  readonly task: PriceTaskKind;
  readonly working: readonly Sentence[];
}

/** The deviation of one year. Amounts in fen, not negative ceilings; RangeError. */
export function deviationOf({
  ceilingFen,
  revenueFen,
}: Pick<Deviation, 'ceilingFen' | 'revenueFen'>): Deviation {
  if (ceilingFen < 0n) throw new RangeError('a ceiling is not below zero');
  const differenceFen = revenueFen - ceilingFen;
  const isWithin = absolute(differenceFen) * 100n <= ceilingFen * BAND_PERCENT;
  const task: PriceTaskKind = isWithin ? 'actual_price' : 'cap';
  const percent =
    ceilingFen === 0n
      ? null
      : decimalText(divideHalfUp(differenceFen * SHOWN_UNIT, ceilingFen), SHOWN_PLACES);
  const direction = differenceFen > 0n ? 'above' : differenceFen < 0n ? 'below' : 'equal';
  const amounts = { revenue: decimalText(revenueFen, 2), ceiling: decimalText(ceilingFen, 2) };
  return {
    ceilingFen,
    revenueFen,
    differenceFen,
    percent,
    direction,
    task,
    working: [
      say('price.deviation.difference', { ...amounts, difference: decimalText(differenceFen, 2) }),
      percent === null
        ? say('price.deviation.none')
        : say('price.deviation.share', { difference: decimalText(differenceFen, 2), ...amounts, percent }),
      say(isWithin ? 'price.deviation.lower' : 'price.deviation.upper', { band: String(BAND_PERCENT) }),
    ],
  };
}

/** One year of a cycle. */
export interface CycleYear {
  readonly ceilingFen: bigint;
  readonly revenueFen: bigint;
}

export interface CarryOver {
  readonly openingFen: bigint;
  /** What this cycle's ceilings were lowered by. */
  readonly deductedFen: bigint;
  /** What came in above this cycle's ceilings. */
  readonly excessFen: bigint;
  /** What the next cycle begins with. */
  readonly closingFen: bigint;
}

/** The balance of a cycle: what it began with, less what it deducted, and what came in above its ceilings. */
export function carryOverOf(
  brought: Pick<CarryOver, 'openingFen' | 'deductedFen'>,
  years: readonly CycleYear[],
): CarryOver {
  const excessFen = years.reduce(
    (sum, { ceilingFen, revenueFen }) => sum + (revenueFen > ceilingFen ? revenueFen - ceilingFen : 0n),
    0n,
  );
  const { openingFen, deductedFen } = brought;
  return { openingFen, deductedFen, excessFen, closingFen: openingFen - deductedFen + excessFen };
}

/** What a cycle deducts of a balance that is spread evenly over this many cycles: the first ones take the odd fen. */
export function deductionOf(openingFen: bigint, cycles: bigint): bigint {
  if (openingFen < 0n || cycles < 1n) throw new RangeError('a balance from zero on, over cycles from one on');
  return (openingFen + cycles - 1n) / cycles;
}
