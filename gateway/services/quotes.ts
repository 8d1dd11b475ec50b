/**
 * Quotes: what a request would cost, how exact its answer would be, and whether it would be refused, before any data
 * are read and without spending anything.
 *
 * Guarantee: the same request as a job has the same Plan and costs exactly what its quote says. What is left of a
 * budget may change meanwhile by other jobs, and the admission of the job decides.
 */
import { randomBytes } from 'node:crypto';
import { needsReview, refuseVerification } from '#policies/output-kind.ts';
import { quotaDay } from '#policies/quota.ts';
import { Refusal } from '#policies/refusal.ts';
import { refusalOf } from '#policies/explain.ts';
import { type Language, render, say } from '#policies/words.ts';
import { shortOfBudget } from '#sandbox/release/accuracy.ts';
import { expectedErrorsOf, quotedSizes } from '#sandbox/release/expected-error.ts';
import { encryptionNotes } from '#sandbox/release/notes.ts';
import { numberOf, rational } from '#sandbox/release/rational.ts';
import { instantText } from '#sandbox/release/zone.ts';
import type { Compiled } from '#sandbox/query/compile.ts';
import type { Caller } from '../http/endpoint.ts';
import { answerFor, findEarlier } from '../storage/earlier-answer.ts';
import type { StoredGrant } from '../storage/admission.ts';
import type { Tx } from '../storage/database.ts';
import { findGrant, findUse, type GrantRecord } from '../storage/grant-store.ts';
import { findLedgers, type LedgerState } from '../storage/ledger.ts';
import { acceptOwnQuote, type NewQuote } from '../storage/quote-store.ts';
import type { PlannedUsage } from '../storage/tables/jobs.ts';
import { notFound } from './permission.ts';
import { type PricedRun, priceRun } from './pricing.ts';
import { callOf } from './products.ts';
import { mostFen, priceShown } from './quote-price.ts';
import {
  type BuyerAsk,
  costText,
  countedOf,
  planAsk,
  type Planning,
  rhoText,
  type SentAsk,
  shownCost,
  useRequest,
} from './planning.ts';
import { trialShare } from './program-trial.ts';
import { type QuotedOutput, summaryOf } from './quote-summary.ts';
import { withPracticeGrant } from './practice.ts';
import type { Shell } from './shell.ts';

/** How long a quote binds. */
const QUOTE_MS = 3_600_000;
/** The digest under which a refused request without a Plan is kept. */
const NO_PLAN = 'none';

/** A quote to be stored and sent. */
export interface MadeQuote {
  readonly stored: NewQuote;
  /** The calendar day on which it is counted. */
  readonly day: string;
  readonly resource: object;
}

/** Makes a quote. A refusal of the request is part of the quote, with the clause and a fix. */
export async function makeQuote(
  shell: Shell,
  caller: Caller,
  { ask: sent, language }: { readonly ask: SentAsk; readonly language: Language },
): Promise<MadeQuote> {
  const named = await withPracticeGrant(shell, caller, sent);
  const id = randomBytes(16).toString('hex');
  const expiresAt = new Date(shell.now() + QUOTE_MS);
  const grant = await heldGrant(shell, caller, named.grant);
  const { ask, planning, refusal, repeat, priced } = await tryUse(shell, caller, { named, grant });
  const resource = {
    id,
    expiresAt: instantText(expiresAt.getTime(), shell.timeZone),
    grant: named.grant,
    ...termsOf(ask ?? named, grant),
    price: priced === null ? null : priceShown(priced, usageOf(planning, { repeat, priced }), language),
    ...(ask === null || planning === null
      ? NOTHING_PLANNED
      : await plannedPart(
          shell,
          { ask, planning, grant, repeat, usage: usageOf(planning, { repeat, priced }) },
          refusal === null ? language : null,
        )),
    review: ask !== null && planning !== null && reviewOf(ask, planning),
    refused: refusal === null ? null : refusedPart(refusal, language),
  };
  const isOpen = refusal === null && planning !== null && priced !== null;
  const stored = {
    id,
    accountId: caller.principal.id,
    grantId: grant?.id ?? null,
    planDigest: isOpen ? planning.planDigest : NO_PLAN,
    body: resource,
    billing: isOpen ? priced.billing : null,
    quoted: isOpen ? priced.quoted : {},
    price: isOpen ? mostFen(priced.quoted) : 0n,
    expiresAt,
  };
  return { stored, day: quotaDay(new Date(shell.now()).toISOString(), shell.timeZone), resource };
}

/** The planned quantities that a quote is for; an answer from store loses nothing. */
function usageOf(
  planning: Planning | null,
  { repeat, priced }: Pick<Tried, 'repeat' | 'priced'>,
): PlannedUsage {
  const { spendNano = '0' } = priced ?? {};
  return { ...planning?.planned, ...(repeat && { epsilonNano: '0' }), spendNano };
}

/** Accepts a quote of the caller's organisation. HttpFault NOT_FOUND; Refusal PARAM for one that cannot be accepted. */
export async function acceptNamed(shell: Shell, { principal }: Caller, quote: string): Promise<object> {
  const accepted = await shell.db.transact((tx) => acceptOwnQuote(tx, { quote, account: principal.id }));
  if (accepted === null) throw notFound();
  const { quoteId, record, leafIndex, acceptedAt } = accepted;
  return { quote: quoteId, acceptedAt: instantText(acceptedAt.getTime(), shell.timeZone), leafIndex, record };
}

/** What the price of a quote may depend on beside its Plan: a job under it must say the same. */
function termsOf(
  { purpose, scene, costCentre, product }: BuyerAsk | SentAsk,
  grant: GrantRecord | null,
): object {
  const call = product === null || typeof product === 'string' ? null : product;
  return {
    purpose,
    scene: scene ?? grant?.body.scene.id ?? null,
    costCentre,
    product: call === null ? null : { id: call.id, revision: call.revision },
  };
}

const NOTHING_PLANNED = {
  dataset: null,
  planDigest: null,
  cost: null,
  repeat: false,
  budget: null,
  outputs: [],
  summary: null,
  usage: {},
  timing: null,
};

/** A grant that the caller's organisation holds, or null: somebody else's is as good as none. */
export async function heldGrant(
  shell: Shell,
  { principal }: Caller,
  id: string,
): Promise<GrantRecord | null> {
  const grant = await findGrant(shell.db, id);
  return grant?.organisationId === principal.org.id ? grant : null;
}

interface Tried {
  /** Null where the product that was named is none. */
  readonly ask: BuyerAsk | null;
  readonly planning: Planning | null;
  readonly refusal: Refusal | null;
  /** Null where the request would be refused. */
  readonly priced: PricedRun | null;
  /** Whether it would be answered from store. */
  readonly repeat: boolean;
}

/** What would become of a job, step by step as `submitJob` goes. */
async function tryUse(
  shell: Shell,
  { principal }: Caller,
  { named, grant }: { readonly named: SentAsk; readonly grant: GrantRecord | null },
): Promise<Tried> {
  let planning: Planning | null = null;
  let ask: BuyerAsk | null = null;
  try {
    refuseVerification(named.outputKind);
    if (grant === null) throw new Refusal('NO_GRANT', say('storage.noGrant'));
    ask = await callOf(shell, named);
    planning = await planAsk(shell, ask, principal.org.id);
    const price = priceOfUse(shell, { buyer: principal.org.id, ask, planning });
    const stored = await storedGrantOf(shell, grant, ask, planning);
    const full = await price(shell.db, stored, planning.planned);
    const planned = { ...planning.planned, spendNano: full.spendNano };
    const request = useRequest(shell, { action: 'quote', principal, ask, planning, planned, grant: stored });
    const decision = shell.policies.decide(request);
    if (!decision.allowed) throw refusalOf(decision, request);
    const repeat = await isRepeat(shell, planning, { grant, review: reviewOf(ask, planning) });
    if (!repeat) await checkAffordable(shell, ask, planning, grant);
    const priced = repeat ? await price(shell.db, stored, { ...planned, epsilonNano: '0' }) : full;
    return { ask, planning, refusal: null, repeat, priced };
  } catch (error) {
    if (error instanceof Refusal) return { ask, planning, refusal: error, repeat: false, priced: null };
    throw error;
  }
}

/** How a request is priced, as quote and admission both do it: by the grant and the documents that a transaction sees. */
export function priceOfUse(
  shell: Shell,
  { buyer, ask, planning }: { readonly buyer: string; readonly ask: BuyerAsk; readonly planning: Planning },
): (tx: Tx, grant: Pick<StoredGrant, 'body'>, planned: PlannedUsage) => Promise<PricedRun> {
  const { name, manifest } = planning.dataset;
  return (tx, { body }, planned) =>
    priceRun(
      { db: shell.db, tx },
      {
        buyer,
        purpose: ask.purpose,
        scene: ask.scene ?? body.scene.id,
        channel: shell.channel,
        costCentre: ask.costCentre,
        dataset: { name, origin: manifest.origin },
        product: ask.product,
        agreement: body.parentAgreement,
        at: new Date(shell.now()),
      },
      planned,
    );
}

/** A grant as admission will see it. */
async function storedGrantOf(shell: Shell, grant: GrantRecord, ask: BuyerAsk, planning: Planning) {
  const { id, revision, body, upstream, suspended, revoked } = grant;
  const approvals = {
    provider: grant.providerApproval !== null,
    buyer: grant.buyerApproval !== null,
    subject: grant.subjectApproval !== null,
  };
  // A job under this quote, once it is accepted.
  const used = await findUse(shell.db, id, countedOf(ask, planning, { at: shell.now(), hasQuote: true }));
  return { id, revision, body, upstream, suspended, revoked, approvals, used };
}

async function checkAffordable(
  shell: Shell,
  ask: BuyerAsk,
  planning: Planning,
  grant: GrantRecord,
): Promise<void> {
  for (const ledger of await ledgersOf(shell, planning, grant)) {
    const { lineage, frozen } = ledger;
    const charge = planning.charges.find((candidate) => candidate.lineage === lineage);
    const left = leftOf(ledger);
    const fits =
      left === null ||
      charge === undefined ||
      (charge.nano <= left.nano && charge.thresholdDeltaYocto <= left.yocto);
    if (frozen) throw new Refusal('BUDGET', say('storage.frozen', { lineage }));
    if (!fits)
      throw await withNearest(
        shell,
        { ask, planning, grant },
        new Refusal('BUDGET', say('storage.budget', { lineage })),
      );
  }
}

/** A refusal for want of budget; of a request for an accuracy, with the nearest one that the rest of the budget allows. */
export async function withNearest(
  shell: Shell,
  {
    ask,
    planning,
    grant,
  }: { readonly ask: BuyerAsk; readonly planning: Planning; readonly grant: { readonly id: string } },
  refusal: Refusal,
): Promise<Refusal> {
  const { id, args } = refusal.sentence;
  const left = id === 'storage.budget' ? leastLeft(await ledgersOf(shell, planning, grant)) : null;
  if (left === null) return refusal;
  const { plan } = planning.compiled;
  return shortOfBudget(plan, ask, { lineage: String(args['lineage']), nano: left.nano }) ?? refusal;
}

/** Whether a person decides about the release. */
function reviewOf({ outputKind }: BuyerAsk, { compiled }: Planning): boolean {
  return needsReview(outputKind, compiled.policy.release);
}

/** Whether it would be answered from store. Refuses what `admit` refuses of a question that was asked before. */
async function isRepeat(
  shell: Shell,
  { compiled, dataset, planDigest }: Planning,
  { grant, review }: { readonly grant: GrantRecord; readonly review: boolean },
): Promise<boolean> {
  const { repeats } = compiled.policy;
  const earlier = await findEarlier(shell.db, { grant: grant.id, versionId: dataset.versionId, planDigest });
  return answerFor(earlier, { repeats, review }) !== null;
}

async function ledgersOf(
  shell: Shell,
  { charges }: Planning,
  grant: { readonly id: string } | null,
): Promise<readonly LedgerState[]> {
  return findLedgers(
    shell.db,
    charges.map(({ lineage }) => lineage),
    grant?.id ?? null,
  );
}

/**
 * What is left of a ledger for the grant that was asked about: its own share and what nobody has set aside, reservations
 * counted as spent; null: unlimited.
 */
export function leftOf({
  capacity,
  reserved,
  spent,
  setAside,
  own,
}: LedgerState): { readonly nano: bigint; readonly yocto: bigint } | null {
  if (capacity === null) return null;
  const rest = (field: 'nano' | 'thresholdDeltaYocto'): bigint => {
    const unspent = BigInt(capacity[field]) - BigInt(reserved[field]) - BigInt(spent[field]);
    const shared = unspent - BigInt(setAside[field]);
    const left = (shared > 0n ? shared : 0n) + BigInt(own[field]);
    // A capacity that was lowered since may not cover the shares.
    return unspent <= 0n ? 0n : left < unspent ? left : unspent;
  };
  return { nano: rest('nano'), yocto: rest('thresholdDeltaYocto') };
}

/** Of several ledgers what the fullest leaves; null: unlimited. */
export function leastLeft(
  ledgers: readonly LedgerState[],
): { readonly nano: bigint; readonly yocto: bigint } | null {
  const lefts = ledgers.map(leftOf).filter((left) => left !== null);
  if (lefts.length === 0) return null;
  const least = (amounts: readonly bigint[]): bigint => amounts.reduce((a, b) => (a < b ? a : b));
  return { nano: least(lefts.map(({ nano }) => nano)), yocto: least(lefts.map(({ yocto }) => yocto)) };
}

/** What follows from a Plan; the summary in a language, unless the request would be refused. */
async function plannedPart(
  shell: Shell,
  use: {
    readonly ask: BuyerAsk;
    readonly planning: Planning;
    readonly grant: GrantRecord | null;
    readonly repeat: boolean;
    readonly usage: PlannedUsage;
  },
  language: Language | null,
): Promise<object> {
  const { ask, planning, grant, repeat, usage } = use;
  const { atSize = null } = ask;
  const { plan } = planning.compiled;
  const full = costText(plan.cost);
  const cost = repeat ? { ...full, nano: '0', thresholdDeltaYocto: '0', epsilon: 0, delta: 0 } : full;
  const left = leastLeft(await ledgersOf(shell, planning, grant));
  const budget = budgetPart(left, plan.cost, repeat);
  const outputs = outputsPart(planning.compiled, atSize);
  const share = left === null ? null : shareOf(plan.cost, left);
  const tried =
    ask.frontEnd === 'sql' || language === null ? null : await trialShare(shell.db, ask.program, language);
  const summarised = { repeat, epsilon: cost.epsilon, share, answers: budget.answersLeft, outputs };
  return {
    dataset: planning.dataset.name,
    planDigest: planning.planDigest,
    cost: shownCost(cost),
    repeat,
    budget,
    outputs,
    summary:
      language === null
        ? null
        : [
            summaryOf(summarised, atSize, language),
            ...(tried === null ? [] : [tried]),
            ...encryptionNotes(plan).map((note) => render(note, language)),
          ].join(' '),
    usage,
    timing: plan.timing,
  };
}

type Left = NonNullable<ReturnType<typeof leastLeft>>;
type Cost = Compiled['plan']['cost'];

function budgetPart(left: Left | null, cost: Cost, repeat: boolean) {
  const [nano, yocto] = repeat ? [0n, 0n] : [cost.nano, cost.thresholdDeltaYocto];
  const after = left === null ? null : { nano: rest(left.nano, nano), yocto: rest(left.yocto, yocto) };
  const rhoOf = (amount: bigint | undefined): string | null =>
    amount === undefined ? null : rhoText(cost.unit, String(amount));
  return {
    nanoLeft: textOf(left?.nano),
    nanoLeftAfter: textOf(after?.nano),
    rhoLeft: rhoOf(left?.nano),
    rhoLeftAfter: rhoOf(after?.nano),
    thresholdDeltaYoctoLeft: textOf(left?.yocto),
    thresholdDeltaYoctoLeftAfter: textOf(after?.yocto),
    answersLeft: left === null ? null : answersOf(cost, left),
  };
}

function textOf(amount: bigint | undefined): string | null {
  return amount === undefined ? null : String(amount);
}

function rest(left: bigint, amount: bigint): bigint {
  return left > amount ? left - amount : 0n;
}

/** How often what is left pays for such an answer, this one included. */
function answersOf({ nano, thresholdDeltaYocto }: Cost, left: Left): string {
  const byNano = left.nano / nano;
  const byThreshold = thresholdDeltaYocto === 0n ? byNano : left.yocto / thresholdDeltaYocto;
  return String(byThreshold < byNano ? byThreshold : byNano);
}

/** The part of what is left that an answer takes, of the sum that it takes more of. */
function shareOf({ nano, thresholdDeltaYocto }: Cost, left: Left): number {
  const partOf = (amount: bigint, of: bigint): number =>
    amount === 0n ? 0 : numberOf(rational(amount, of > 0n ? of : 1n));
  return Math.max(partOf(nano, left.nano), partOf(thresholdDeltaYocto, left.yocto));
}

function outputsPart({ plan, presentation }: Compiled, atSize: number | null): readonly QuotedOutput[] {
  const expected = expectedErrorsOf(plan, quotedSizes(atSize));
  return presentation.outputs.map(({ name, aggregate }) => {
    const { aggregate: _index, ...error } = expected[aggregate]!;
    return { name, ...error };
  });
}

function refusedPart({ code, sentence }: Refusal, language: Language): object {
  return { code, detail: render(sentence, language), fix: render(say(`fix.${code}`), language) };
}
