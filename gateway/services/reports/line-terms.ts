/** What a line says beside its amounts, typed: the terms that gateway/billing/statement-line.ts writes. */
import type { BillingFacts, DocumentRef, FeeFacts } from '../../billing/facts.ts';
import type { LineBody } from '../../billing/statement-line.ts';
import type { RatedPart } from '../../billing/rating.ts';
import type { RateCard } from '../../billing/rate-card.ts';

export interface LineTerms {
  readonly grant: string;
  readonly agreement: DocumentRef | null;
  readonly contributions: BillingFacts['contributions'];
  readonly product: DocumentRef | null;
  readonly purposeClass: BillingFacts['purposeClass'];
  readonly costCentre: string | null;
  readonly outcome: string;
  readonly card: DocumentRef | null;
  readonly priceSource: RateCard['priceSource'] | null;
  readonly priceState: RateCard['state'] | null;
  readonly model: string;
  readonly unitPrice: string | null;
  readonly parts: readonly RatedPart[];
  readonly discount: FeeFacts['discount'];
  readonly tax: RateCard['tax'] | null;
}

/** The terms of a line. */
export function termsOf(body: LineBody): LineTerms {
  return body as unknown as LineTerms;
}

/** The datasets that a line is about, each once. */
export function datasetsOf(body: LineBody): readonly string[] {
  return [...new Set(termsOf(body).contributions.map(({ dataset }) => dataset))];
}
