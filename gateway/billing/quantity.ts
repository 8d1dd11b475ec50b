/**
 * Quantities that are rated: whole numbers from 0, read from decimal text or refused by name.
 *
 * Guarantee: nothing is guessed or cut: a quantity that is missing, negative, fractional, huge or no number at all is a
 * fault that names the record and the quantity.
 */
import { Failure } from '#policies/refusal.ts';
import { type Sentence, say } from '#policies/words.ts';

import { findDecimalFault } from './decimal.ts';
import { QUANTITY_MAX } from './rate-card.ts';

/** A usage record that cannot be rated. */
export class UsageFault extends Failure {
  constructor(sentence: Sentence) {
    super('BAD_LINE', sentence);
    this.name = 'UsageFault';
  }
}

/** A quantity of a usage record, by name. UsageFault. */
export function quantityOf(
  quantities: Readonly<Record<string, unknown>>,
  name: string,
  usage: string,
): bigint {
  return wholeOf(quantities[name], { usage, name, max: QUANTITY_MAX });
}

/** A whole number from 0 to `max`, in decimal text. UsageFault. */
export function wholeOf(
  value: unknown,
  { usage, name, max }: { readonly usage: string; readonly name: string; readonly max: bigint },
): bigint {
  if (findDecimalFault(value, { places: 0, max }) === null) return BigInt(value as string);
  throw new UsageFault(say('billing.quantity', { usage, name, value: shown(value), max: String(max) }));
}

/** What was found in its place, short enough to be read. */
function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 60) : typeof value;
}
