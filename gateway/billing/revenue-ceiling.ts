/**
 * A revenue ceiling: the most that authorised operation may take in a year, computed from what was surveyed.
 *
 * Guarantee: ceiling = C + P + T, exactly, and rounded down to the fen once, at the end. C is what the survey found for
 * industry products less the subsidy; P = C × r; r is the average yield of ten-year government bonds in the year before
 * the survey, and a margin of at most 6.00 percentage points; T is what was entered. Each step is said. A cycle is three
 * years at most; what earlier cycles took above their ceilings lowers each year's ceiling.
 * Not covered: whether the survey is right. Its costs are held against the separate ledger when a ceiling is approved
 * (services/price-checks.ts).
 *
 * 最高准许收入: 国家发展改革委、国家数据局《关于建立公共数据资源授权运营价格形成机制的通知》（发改价格〔2025〕65号）. Rounding down is
 * ours: a fen that is not permitted is not taken.
 */
import { z } from 'zod';
import { type Sentence, say } from '#policies/words.ts';
import { COST_ITEMS } from './cost-ledger.ts';
import { decimalText, shortDecimalText, unitsOf } from './decimal.ts';
import { deductionOf } from './deviation.ts';
import {
  decimal,
  documentId,
  documentInstant,
  documentSha256,
  documentText,
  fault,
  findDocumentFaults,
  listOf,
  parseDocument,
} from './document-form.ts';
import { FEE_TYPES } from './facts.ts';

/** Decimals of a rate in per cent. */
const RATE_PLACES = 6;
const RATE_UNIT = 10n ** BigInt(RATE_PLACES);
/** Percentage points above the yield of bonds. */
const MARGIN_MAX = 6n;
const CYCLE_YEARS_MAX = 3;
/** Over so many cycles a balance may be spread. */
const SPREAD_MAX = 10;

const money = decimal({ places: 2, max: 10n ** 13n });
const rate = decimal({ places: RATE_PLACES, max: 100n });
const year = z.int().min(2000).max(2200);

const INPUTS = z
  .strictObject({
    /** The year whose costs were surveyed: those of industry products alone. */
    surveyYear: year,
    costs: z
      .array(z.strictObject({ item: z.enum(COST_ITEMS), amount: money, note: documentText.optional() }))
      .min(1),
    subsidy: money,
    /** The average of ten-year government bonds, in per cent. */
    bondYield: z.strictObject({ year, percent: rate, source: documentText.optional() }),
    /** In percentage points. */
    margin: rate,
    taxes: money,
  })
  .superRefine((inputs, context) => {
    if (context.issues.length > 0) return;
    const { surveyYear, bondYield, margin } = inputs;
    if (bondYield.year !== surveyYear - 1)
      context.addIssue({
        ...fault('price.ceiling.yieldYear', { year: bondYield.year, before: surveyYear }),
        path: ['bondYield', 'year'],
      });
    if (unitsOf(margin, RATE_PLACES) > MARGIN_MAX * RATE_UNIT)
      context.addIssue({
        ...fault('price.ceiling.margin', { margin, most: `${MARGIN_MAX}.00` }),
        path: ['margin'],
      });
    if (costsFen(inputs) < fenOf(inputs.subsidy))
      context.addIssue({ ...fault('price.ceiling.subsidy'), path: ['subsidy'] });
  });

export type CeilingInputs = Readonly<z.output<typeof INPUTS>>;

const CEILING = z
  .strictObject({
    kind: z.literal('RevenueCeiling'),
    id: documentId,
    title: documentText,
    region: documentText,
    /** Whose revenue counts: use under these agreements, or under any. */
    agreements: z.union([z.literal('all'), listOf(documentId)]),
    /** Which fees count as its revenue. */
    feeTypes: listOf(z.enum(FEE_TYPES)),
    /** Who permitted it: the price authority with the data department. */
    authority: documentText,
    decision: z.strictObject({ number: documentText, sha256: documentSha256 }),
    /** First and last year for which it holds, each year by itself. */
    cycle: z.strictObject({ from: year, to: year }),
    inputs: INPUTS,
    /** What earlier cycles took above their ceilings, and over how many cycles from this one on it is deducted. */
    carryOver: z.strictObject({ opening: money, cycles: z.int().min(1).max(SPREAD_MAX) }),
    from: documentInstant,
    to: documentInstant.nullable(),
  })
  .superRefine((ceiling, context) => {
    if (context.issues.length > 0) return;
    const { cycle, inputs, from, to } = ceiling;
    const years = cycle.to - cycle.from + 1;
    if (years < 1) context.addIssue({ ...fault('price.ceiling.cycleOrder'), path: ['cycle', 'to'] });
    if (years > CYCLE_YEARS_MAX)
      context.addIssue({
        ...fault('price.ceiling.cycle', { years, most: CYCLE_YEARS_MAX }),
        path: ['cycle', 'to'],
      });
    if (inputs.surveyYear > cycle.from)
      context.addIssue({ ...fault('price.ceiling.surveyYear'), path: ['inputs', 'surveyYear'] });
    if (to !== null && Date.parse(to) <= Date.parse(from))
      context.addIssue({ ...fault('billing.field.endsBeforeStart'), path: ['to'] });
    if (years >= 1 && years <= CYCLE_YEARS_MAX && permittedFen(ceiling, cycle.from) < 0n)
      context.addIssue({ ...fault('price.ceiling.deduction'), path: ['carryOver', 'cycles'] });
  });

export type RevenueCeiling = Readonly<z.output<typeof CEILING>>;

/** Parses the document; Failure CONFIG that names the first field at fault. */
export function parseRevenueCeiling(value: unknown): RevenueCeiling {
  return parseDocument(CEILING, value);
}

/** Every field at fault of the document. */
export function findRevenueCeilingFaults(value: unknown): readonly Sentence[] {
  return findDocumentFaults(CEILING, value);
}

/** Parses what a ceiling is computed from, alone; Failure CONFIG that names the first field at fault. */
export function parseCeilingInputs(value: unknown): CeilingInputs {
  return parseDocument(INPUTS, value);
}

export interface Ceiling {
  readonly costFen: bigint;
  /** r in per cent. */
  readonly ratePercent: string;
  /** P in yuan, exact. */
  readonly profitYuan: string;
  /** C + P + T, rounded down to the fen. */
  readonly valueFen: bigint;
  readonly working: readonly Sentence[];
}

/** Computes a ceiling and says how. */
export function ceilingOf(inputs: CeilingInputs): Ceiling {
  const costFen = costsFen(inputs) - fenOf(inputs.subsidy);
  const rateUnits = unitsOf(inputs.bondYield.percent, RATE_PLACES) + unitsOf(inputs.margin, RATE_PLACES);
  // Per cent of fen: 10^-2 of 10^-2 yuan, with the decimals of the rate.
  const places = RATE_PLACES + 4;
  const profitUnits = costFen * rateUnits;
  const taxesFen = fenOf(inputs.taxes);
  const totalUnits = (costFen + taxesFen) * RATE_UNIT * 100n + profitUnits;
  const valueFen = totalUnits / (RATE_UNIT * 100n);
  const ratePercent = shortDecimalText(rateUnits, RATE_PLACES, 2);
  const profitYuan = shortDecimalText(profitUnits, places, 2);
  const total = shortDecimalText(totalUnits, places, 2);
  const cost = decimalText(costFen, 2);
  return {
    costFen,
    ratePercent,
    profitYuan,
    valueFen,
    working: [
      ...inputs.costs.map(({ item, amount }) => say(`price.item.${item}`, { amount: yuanText(amount) })),
      say('price.working.costs', {
        costs: decimalText(costsFen(inputs), 2),
        subsidy: yuanText(inputs.subsidy),
        cost,
      }),
      say('price.working.rate', {
        year: inputs.bondYield.year,
        yield: inputs.bondYield.percent,
        margin: inputs.margin,
        rate: ratePercent,
      }),
      say('price.working.profit', { cost, rate: ratePercent, profit: profitYuan }),
      say('price.working.taxes', { taxes: yuanText(inputs.taxes) }),
      say('price.working.total', {
        cost,
        profit: profitYuan,
        taxes: yuanText(inputs.taxes),
        total,
        ceiling: decimalText(valueFen, 2),
      }),
    ],
  };
}

/** What one cycle takes off its ceilings, in all of its years together. */
export function cycleDeductionFen({ carryOver }: Pick<RevenueCeiling, 'carryOver'>): bigint {
  return deductionOf(fenOf(carryOver.opening), BigInt(carryOver.cycles));
}

/**
 * The ceiling of one year of the cycle, in fen: what was computed, less this year's part of the deduction. The first years
 * take the odd fen. RangeError for a year outside of the cycle.
 */
export function permittedFen(
  ceiling: Pick<RevenueCeiling, 'carryOver' | 'cycle' | 'inputs'>,
  ofYear: number,
): bigint {
  const { cycle, inputs } = ceiling;
  if (!coversYear(ceiling, ofYear)) throw new RangeError('a ceiling holds for the years of its cycle');
  const years = BigInt(cycle.to - cycle.from + 1);
  const deduction = cycleDeductionFen(ceiling);
  const odd = BigInt(ofYear - cycle.from) < deduction % years ? 1n : 0n;
  return ceilingOf(inputs).valueFen - deduction / years - odd;
}

/** The years of a cycle. */
export function yearsOf({ cycle }: Pick<RevenueCeiling, 'cycle'>): readonly number[] {
  return Array.from({ length: cycle.to - cycle.from + 1 }, (_, index) => cycle.from + index);
}

/** How each year's ceiling follows from what was computed and what is deducted. */
export function yearsWorking(
  ceiling: Pick<RevenueCeiling, 'carryOver' | 'cycle' | 'inputs'>,
): readonly Sentence[] {
  const { valueFen } = ceilingOf(ceiling.inputs);
  const { opening, cycles } = ceiling.carryOver;
  const deducted = cycleDeductionFen(ceiling);
  const left = decimalText(fenOf(opening) - deducted, 2);
  return [
    say('price.working.carryOver', {
      opening: yuanText(opening),
      cycles,
      deducted: decimalText(deducted, 2),
      left,
    }),
    ...yearsOf(ceiling).map((ofYear) => {
      const permitted = permittedFen(ceiling, ofYear);
      const part = decimalText(valueFen - permitted, 2);
      const figures = { computed: decimalText(valueFen, 2), part, permitted: decimalText(permitted, 2) };
      return say('price.working.year', { year: ofYear, ...figures });
    }),
  ];
}

/** Whether a ceiling holds for a year. */
export function coversYear({ cycle }: Pick<RevenueCeiling, 'cycle'>, ofYear: number): boolean {
  return cycle.from <= ofYear && ofYear <= cycle.to;
}

function costsFen({ costs }: Pick<CeilingInputs, 'costs'>): bigint {
  return costs.reduce((sum, { amount }) => sum + fenOf(amount), 0n);
}

function fenOf(yuan: string): bigint {
  return unitsOf(yuan, 2);
}

function yuanText(yuan: string): string {
  return decimalText(fenOf(yuan), 2);
}
