/**
 * The rules that a rate card keeps before it is approved: one price at a time, its regime, its state, and its caps.
 *
 * Guarantee: two cards never price the same data, scene and fee at the same time; public data has a guided price and
 * other data has none; a guided price goes trial, applied, assessed, formal, adjusted, one step at a time and never back,
 * and is formal after a full operating year; no price is above a cap in force on any of its days.
 * Not covered: which documents there are; services/price-checks.ts reads them.
 *
 * 试行收费标准, 上限收费标准: 国家发展改革委、国家数据局《关于建立公共数据资源授权运营价格形成机制的通知》（发改价格〔2025〕65号）.
 * Same conditions, same price: 深圳经济特区数据条例 on 差别待遇.
 */
import { type Sentence, say } from '#policies/words.ts';
import type { DatasetOrigin } from '#sandbox/manifest/dataset.ts';
import { bindsCard, findCapBreach, type PriceCap } from './price-cap.ts';
import { PRICE_STATES, type PriceSubject, priceTheSame, type RateCard } from './rate-card.ts';
import { regimeOf } from './regime.ts';

export type PriceState = RateCard['state'];

/** A wording, and from when until when it is, was or will be in force. */
export interface Standing<Body> {
  /** `RateCard/RC-1/2`. */
  readonly name: string;
  readonly id: string;
  readonly body: Body;
  readonly from: Date;
  /** Null: until further notice. */
  readonly to: Date | null;
}

type CardStanding = Standing<RateCard>;

/** Whether two wordings are in force at some moment together. */
export function overlap(one: Standing<unknown>, other: Standing<unknown>): boolean {
  return (other.to === null || one.from < other.to) && (one.to === null || other.from < one.to);
}

/** Another document about the same on the same days; a new wording of an id that is about something else. */
export function findSubjectFault(
  asked: Standing<PriceSubject>,
  others: readonly Standing<PriceSubject>[],
  rule: 'price.card.overlap' | 'price.cap.overlap',
): Sentence | null {
  const moved = others.find(({ id, body }) => id === asked.id && !priceTheSame(body, asked.body));
  if (moved !== undefined) return say('price.card.target', { document: asked.name });
  const same = others.find(
    (other) => other.id !== asked.id && priceTheSame(other.body, asked.body) && overlap(asked, other),
  );
  if (same === undefined) return null;
  return say(rule, { document: asked.name, other: same.name, from: textOf(same.from), to: textOf(same.to) });
}

/** Data of these origins have this regime when they are used for industry, and the card must say so. */
export function findRegimeFault(
  { name, body }: CardStanding,
  data: { readonly name: string; readonly origins: readonly DatasetOrigin[] },
): Sentence | null {
  const args = { document: name, data: data.name };
  if (data.origins.length === 0) return say('price.card.unknownData', args);
  // What is made of public data and others is guided: the stricter rule.
  const isGuided = data.origins.some((origin) => regimeOf(origin, 'industry', 'operation') === 'guided');
  if (isGuided === (body.priceSource === 'guided')) return null;
  return say(isGuided ? 'price.card.guided' : 'price.card.market', args);
}

/** The state of a guided price after those of the same subject that were in force before. */
export function findStateFault(asked: CardStanding, others: readonly CardStanding[]): Sentence | null {
  const { name: document, body } = asked;
  if (body.priceSource !== 'guided') return null;
  const history = others.filter((other) => other.name !== document && priceTheSame(other.body, body));
  const before = history.reduce<CardStanding | null>(
    (latest, other) => (latest === null || rankOf(other.body) >= rankOf(latest.body) ? other : latest),
    null,
  );
  const { state } = body;
  if (before === null) return state === 'trial' ? null : say('price.state.first', { document, state });
  const step = rankOf(body) - rankOf(before.body);
  const args = { document, before: before.body.state, state };
  if (step < 0) return say('price.state.backward', { ...args, from: textOf(before.from) });
  if (step > 1)
    return say('price.state.skipped', {
      ...args,
      next: PRICE_STATES[rankOf(before.body) + 1] ?? before.body.state,
    });
  return rankOf(body) >= PRICE_STATES.indexOf('formal') ? findYearFault(asked, history) : null;
}

function rankOf({ state }: Pick<RateCard, 'state'>): number {
  return PRICE_STATES.indexOf(state);
}

/** A full operating year from the first day of the first price on trial. */
function findYearFault({ name, from }: CardStanding, history: readonly CardStanding[]): Sentence | null {
  const trials = history.filter(({ body }) => body.state === 'trial').map((card) => card.from.getTime());
  const trial = new Date(Math.min(...trials));
  const earliest = new Date(trial);
  earliest.setUTCFullYear(earliest.getUTCFullYear() + 1);
  if (from >= earliest) return null;
  return say('price.state.year', { document: name, trial: textOf(trial), earliest: textOf(earliest) });
}

/** A charge above a cap on a day of both, or one without a cap beside others that have one; a formal price without a cap. */
export function findCapFault(asked: CardStanding, caps: readonly Standing<PriceCap>[]): Sentence | null {
  const binding = caps.filter((cap) => bindsCard(cap.body, asked.body) && overlap(cap, asked));
  for (const cap of binding) {
    const breach = breachSentence(asked, cap);
    if (breach !== null) return breach;
  }
  if (asked.body.priceSource !== 'guided' || rankOf(asked.body) < PRICE_STATES.indexOf('formal')) return null;
  const bare = firstBareMoment(
    asked,
    binding.filter(({ body }) => body.scene === 'any' || body.scene === asked.body.scene),
  );
  if (bare === null) return null;
  return say('price.cap.none', { card: asked.name, state: asked.body.state, from: textOf(bare) });
}

/** How a card is above a cap; null: it is not. Both are about the same. */
export function breachSentence(card: CardStanding, cap: Standing<PriceCap>): Sentence | null {
  const breach = findCapBreach(card.body, cap.body);
  if (breach === null) return null;
  const { basis, price, per, most } = breach;
  const args = { card: card.name, cap: cap.name, basis };
  if (most === null) return say('price.cap.absent', args);
  return say('price.cap.above', {
    ...args,
    price,
    per,
    most: most.price,
    mostPer: most.per,
    from: textOf(cap.from),
  });
}

/** The first moment of a wording at which none of the others is in force. */
function firstBareMoment(asked: Standing<unknown>, others: readonly Standing<unknown>[]): Date | null {
  let reached = asked.from;
  for (const { from, to } of others.toSorted((one, other) => one.from.getTime() - other.from.getTime())) {
    if (from > reached) break;
    if (to === null) return null;
    if (to > reached) reached = to;
  }
  return asked.to !== null && reached >= asked.to ? null : reached;
}

function textOf(at: Date | null): string {
  return at === null ? '∞' : at.toISOString();
}

/** What is printed beside a price: whether it is on trial. A price that was applied for or assessed is on trial still. */
export function priceStateLabel(state: PriceState): Sentence {
  return say(`price.state.${state}`);
}
