/** The calls about quotes that were made: accepting one, and how many there were; and what they answer. */
import type { Caller } from './prices.ts';

/** What an account calls about quotes. All throw ProblemError and UnreachableError. */
export interface QuoteCalls {
  /** The acceptance of a quote of one's own organisation: there is one, however often it is asked for. */
  accept(id: string): Promise<QuoteAcceptance>;
  /** Quotes by account and day; days in the zone of bills, both included. */
  counts(days: {
    readonly from?: string;
    readonly to?: string;
  }): Promise<{ readonly items: readonly QuoteCounts[] }>;
}

export function quoteCalls({ get, act }: Pick<Caller, 'get' | 'act'>): QuoteCalls {
  return {
    accept: (id) => act(`/v1/quotes/${encodeURIComponent(id)}/accept`, undefined),
    counts: (days) => get('/v1/usage/quotes', days),
  };
}

export interface QuoteAcceptance {
  readonly quote: string;
  readonly acceptedAt: string;
  readonly leafIndex: string;
  readonly record: string;
}

/** Quotes of an account on a day. */
export interface QuoteCounts {
  readonly day: string;
  readonly account: string;
  readonly organisation: string;
  readonly made: number;
  readonly accepted: number;
}
