/**
 * A quote in one sentence: what the answer costs, how wrong it may be, and how many such answers are left.
 *
 * Guarantee: a function of the quote's own figures; an error is never stated smaller than it is.
 */
import { type Language, render, say } from '#policies/words.ts';
import { roundedUp } from '#sandbox/release/expected-error.ts';

/** An output as it is quoted: its error, or its error by size of group. */
export type QuotedOutput = { readonly name: string } & (
  | { readonly half95: number }
  | { readonly atSize: readonly { readonly size: number; readonly half95: number }[] }
);

interface Summarised {
  readonly repeat: boolean;
  readonly epsilon: number;
  /** The part of what is left that it takes, and how often that suffices; null: unlimited. */
  readonly share: number | null;
  readonly answers: string | null;
  readonly outputs: readonly QuotedOutput[];
}

/** Of an output whose error depends on the size of the group, when no size was asked about. */
const USUAL_SIZE = 1_000;
const OUTPUTS_NAMED = 3;
const DIGITS = 3;

/** The sentence; `atSize` is the size that was asked about. */
export function summaryOf(quote: Summarised, atSize: number | null, language: Language): string {
  const { epsilon, share, answers } = quote;
  const errors = errorsText(quote.outputs, atSize ?? USUAL_SIZE, language);
  if (quote.repeat) return render(say('quote.summaryRepeat', { errors }), language);
  if (share === null || answers === null)
    return render(say('quote.summaryUnlimited', { epsilon, errors }), language);
  const percent = roundedUp(100 * share, 2);
  return render(say('quote.summary', { share: percent, epsilon, errors, answers }), language);
}

function errorsText(outputs: readonly QuotedOutput[], size: number, language: Language): string {
  const named = outputs.slice(0, OUTPUTS_NAMED).map((output) => render(errorOf(output, size), language));
  const count = outputs.length - named.length;
  const parts = count > 0 ? [...named, render(say('quote.more', { count }), language)] : named;
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(parts);
}

function errorOf(output: QuotedOutput, size: number): ReturnType<typeof say> {
  const { name } = output;
  if ('half95' in output) return say('quote.error', { name, half: roundedUp(output.half95, DIGITS) });
  const half = output.atSize.find((entry) => entry.size === size)?.half95 ?? 0;
  return say('quote.errorAtSize', { name, half: roundedUp(half, DIGITS), size });
}
