/**
 * Lines of statements as they are signed: what each says, how one is taken back, and what their statement says of them.
 *
 * Guarantee: a line says everything it was made from, as canonical JSON with amounts in decimal text, so that it can be
 * checked without us. A reversal is the exact negative of the line it names. The totals of a statement are the sums of
 * its lines, and its root (RFC 6962) covers each line and their order.
 */
import { toHex } from '#crypto/bytes.ts';
import { evidenceJson } from '#crypto/canonical.ts';
import { leafHash, rootOf } from '#crypto/log/merkle.ts';

import { FEE_TYPES, type FeeType } from './facts.ts';
import type { Period } from './period.ts';
import type { Card } from './rate-card.ts';
import type { RatedGroup } from './rating.ts';

/** The currency of every bill. */
export const CURRENCY = 'CNY';

/** Bumped when a line or head says something else by the same name. */
const FORM_VERSION = '1';

export type LineKind = 'charge' | 'reversal' | 'rebill';

/** A line without its place: what is known before its statement has a number. */
export interface LineDraft {
  readonly kind: LineKind;
  /** The line whose exact negative this is. */
  readonly reverses: string | null;
  readonly familyId: string;
  readonly originalPeriod: Period;
  readonly feeType: FeeType;
  readonly basis: string;
  readonly events: bigint;
  readonly quantity: bigint;
  readonly amountPrecise: string;
  readonly amountFen: bigint;
  readonly taxFen: bigint;
  readonly netFen: bigint;
  readonly quotedNano: bigint;
  readonly zeroReason: string | null;
  readonly inputsDigest: string;
  /** What else it says. */
  readonly terms: Readonly<Record<string, unknown>>;
}

/** A line in its place. */
export interface Line extends LineDraft {
  readonly id: string;
  readonly ordinal: number;
  /** Canonical JSON: a leaf of the root. */
  readonly body: string;
}

/** The line of a rated group. `card` is the wording it was rated by. */
export function draftOf(rated: RatedGroup, kind: 'charge' | 'rebill', card: Card | null): LineDraft {
  const { key, familyId, inputsDigest, amountPrecise, amountFen, taxFen, netFen } = rated;
  const { billing, grant, outcome } = key;
  return {
    kind,
    reverses: null,
    familyId,
    originalPeriod: key.period,
    feeType: key.feeType,
    basis: key.basis,
    events: rated.events,
    quantity: rated.quantity,
    amountPrecise,
    amountFen,
    taxFen,
    netFen,
    quotedNano: rated.quotedNano,
    zeroReason: rated.zeroReason,
    inputsDigest,
    terms: {
      buyer: billing.buyer,
      grant,
      agreement: billing.agreement,
      contributions: billing.contributions,
      product: billing.product,
      purposeClass: billing.purposeClass,
      channel: billing.channel,
      costCentre: billing.costCentre,
      outcome,
      card: rated.card,
      priceSource: card?.body.priceSource ?? null,
      priceState: card?.body.state ?? null,
      guidanceDocument: card?.body.guidanceDocument ?? null,
      model: rated.model,
      unitPrice: rated.unitPrice,
      parts: rated.parts,
      discount: rated.discount,
      tax: rated.tax,
    },
  };
}

/** What takes a line back: the same with every amount negated. */
export function reversalOf(line: LineDraft & { readonly id: string }): LineDraft {
  return {
    ...line,
    kind: 'reversal',
    reverses: line.id,
    events: -line.events,
    quantity: -line.quantity,
    amountPrecise: negated(line.amountPrecise),
    amountFen: -line.amountFen,
    taxFen: -line.taxFen,
    netFen: -line.netFen,
    quotedNano: -line.quotedNano,
  };
}

/** The negative of a decimal text; zero has no sign. */
function negated(decimal: string): string {
  if (!/[1-9]/.test(decimal)) return decimal;
  return decimal.startsWith('-') ? decimal.slice(1) : `-${decimal}`;
}

/** Puts drafts in their order and place. */
export function linesOf(statement: string, drafts: readonly LineDraft[]): readonly Line[] {
  return drafts.toSorted(byOrder).map((draft, index) => {
    const ordinal = index + 1;
    const id = `${statement}.${ordinal}`;
    return { ...draft, id, ordinal, body: bodyOf(draft, { id, statement, ordinal }) };
  });
}

/** Late months first; then by fee, grant and basis, what is taken back before what stands in its place. */
function byOrder(a: LineDraft, b: LineDraft): number {
  const [one, other] = [a, b].map((line) => [
    line.originalPeriod,
    String(FEE_TYPES.indexOf(line.feeType)),
    String(line.terms['grant']),
    line.basis,
    line.familyId,
    line.kind === 'reversal' ? '0' : '1',
  ]);
  const at = (one ?? []).findIndex((part, index) => part !== other?.[index]);
  if (at < 0) return 0;
  return (one?.[at] ?? '') < (other?.[at] ?? '') ? -1 : 1;
}

/** What the root covers of a line. */
function bodyOf(
  draft: LineDraft,
  place: { readonly id: string; readonly statement: string; readonly ordinal: number },
): string {
  const { familyId, originalPeriod, terms, ...rest } = draft;
  const amounts = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]),
  );
  const said = { ...terms, ...amounts, ...place, family: familyId, originalPeriod };
  return evidenceJson({ type: 'line', version: FORM_VERSION, currency: CURRENCY, ...said });
}

/** What a line says by names of its own; all else is its terms. */
const NAMED = new Set(
  (
    'type version currency id statement ordinal kind reverses family originalPeriod feeType basis events quantity ' +
    'amountPrecise amountFen taxFen netFen quotedNano zeroReason inputsDigest'
  ).split(' '),
);

/** What a stored body says, as a draft: the inverse of `linesOf`. */
export function draftOfBody(body: string): LineDraft & { readonly id: string } {
  const said = JSON.parse(body) as LineBody;
  return {
    id: said.id,
    kind: said.kind,
    reverses: said.reverses,
    familyId: said.family,
    originalPeriod: said.originalPeriod,
    feeType: said.feeType,
    basis: said.basis,
    amountPrecise: said.amountPrecise,
    zeroReason: said.zeroReason,
    inputsDigest: said.inputsDigest,
    events: BigInt(said.events),
    quantity: BigInt(said.quantity),
    amountFen: BigInt(said.amountFen),
    taxFen: BigInt(said.taxFen),
    netFen: BigInt(said.netFen),
    quotedNano: BigInt(said.quotedNano),
    terms: Object.fromEntries(Object.entries(said).filter(([name]) => !NAMED.has(name))),
  };
}

/** A line as JSON. Amounts are decimal text of whole numbers. */
export interface LineBody {
  readonly type: 'line';
  readonly version: string;
  readonly currency: string;
  readonly id: string;
  readonly statement: string;
  readonly ordinal: number;
  readonly kind: LineKind;
  readonly reverses: string | null;
  readonly family: string;
  readonly originalPeriod: Period;
  readonly feeType: FeeType;
  readonly basis: string;
  readonly events: string;
  readonly quantity: string;
  readonly amountPrecise: string;
  readonly amountFen: string;
  readonly taxFen: string;
  readonly netFen: string;
  readonly quotedNano: string;
  readonly zeroReason: string | null;
  readonly inputsDigest: string;
  readonly [term: string]: unknown;
}

/** The sums of one fee. */
export interface FeeTotal {
  readonly feeType: FeeType;
  readonly lines: string;
  readonly amountFen: string;
  readonly taxFen: string;
  readonly netFen: string;
  readonly quotedNano: string;
}

type Totalled = Pick<LineDraft, 'feeType' | 'amountFen' | 'taxFen' | 'netFen' | 'quotedNano'>;

/** The totals of both fees, in their order. */
function totalsOf(lines: readonly Totalled[]): readonly FeeTotal[] {
  return FEE_TYPES.map((feeType) => {
    const own = lines.filter((line) => line.feeType === feeType);
    const sum = (name: 'amountFen' | 'taxFen' | 'netFen' | 'quotedNano'): string =>
      String(own.reduce((total, line) => total + line[name], 0n));
    return {
      feeType,
      lines: String(own.length),
      amountFen: sum('amountFen'),
      taxFen: sum('taxFen'),
      netFen: sum('netFen'),
      quotedNano: sum('quotedNano'),
    };
  });
}

/** A statement without its lines. */
export interface StatementHead {
  readonly type: 'statement';
  readonly version: string;
  readonly id: string;
  /** Of its issuer, without gaps: `2026-11-000001`. */
  readonly number: string;
  readonly issuer: string;
  readonly buyer: string;
  readonly period: Period;
  readonly timeZone: string;
  readonly currency: string;
  readonly totals: readonly FeeTotal[];
  readonly totalFen: string;
  readonly lines: string;
  readonly linesRoot: string;
  readonly previousDigest: string | null;
  readonly closedBy: string;
  /** ISO 8601. */
  readonly closedAt: string;
}

/** What a head is made from beside its lines. */
export type StatementPlace = Pick<
  StatementHead,
  'id' | 'number' | 'issuer' | 'buyer' | 'period' | 'timeZone' | 'previousDigest' | 'closedBy' | 'closedAt'
>;

/** The head of a statement with these lines. */
export function headOf(place: StatementPlace, lines: readonly Line[]): StatementHead {
  return {
    type: 'statement',
    version: FORM_VERSION,
    currency: CURRENCY,
    ...place,
    totals: totalsOf(lines),
    totalFen: String(lines.reduce((sum, { amountFen }) => sum + amountFen, 0n)),
    lines: String(lines.length),
    linesRoot: linesRootOf(lines.map(({ body }) => body)),
  };
}

/** The root (RFC 6962, hex) over the bodies of lines, in order. */
export function linesRootOf(bodies: readonly string[]): string {
  const encoder = new TextEncoder();
  return toHex(rootOf(bodies.map((body) => leafHash(encoder.encode(body)))));
}

/** The number of a statement: month and place in the sequence of its issuer. */
export function statementNumber(period: Period, seq: bigint): string {
  return `${period}-${String(seq).padStart(6, '0')}`;
}
