/**
 * The life of one job in the lab, told in order: the same compile, reader, Release and receipt as in a server.
 *
 * Each step may refuse or fail; the order is the argument. Refusals come before anything is reserved; budget is
 * reserved and on disk before the source is opened for the job; an answer is on disk before it is shown.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { commitVersion, outputDigestOf } from '#crypto/commitment.ts';
import type { ReceiptPayload } from '#crypto/receipt-payload.ts';
import { issueReceipt } from '#crypto/receipt.ts';
import { Refusal } from '#policies/refusal.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import type { Plan } from '#sandbox/plan.ts';
import type { Catalogue, Compiled } from '#sandbox/planning.ts';
import { compileProgram, type ProgramAsk, type ProgramPlan } from '#sandbox/program/compile.ts';
import { type Ask, compileQuery } from '#sandbox/query/compile.ts';
import { leftOf, type Ledger } from '#sandbox/release/accountant.ts';
import { shortOfBudget } from '#sandbox/release/accuracy.ts';
import { notesOf } from '#sandbox/release/notes.ts';
import { type Output, present } from '#sandbox/release/present.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { release } from '#sandbox/release/release.ts';
import { freeUsageOf, planDigestOf, plannedUsageOf } from '#sandbox/release/statement.ts';
import { releaseDelayMs } from '#sandbox/release/timing.ts';
import { instantText } from '#sandbox/release/zone.ts';
import type { WorkerPool } from '#sandbox/worker/pool.ts';
import type { Sentence } from '#policies/words.ts';
import { type LedgersOfDataset, ledgersOf } from '../ledgers.ts';
import { evidenceOfCells, releasedPayload, requestPart } from '../receipt.ts';
import { measureCompiled } from '../runner/measuring.ts';
import type { Sources } from '../runner/sources.ts';
import type { LabState, StoredAnswer } from './state.ts';

/** One request to the lab, parsed. */
export interface LabRequest {
  readonly datasets: readonly Dataset[];
  readonly policy: ReleasePolicy;
  readonly ask: Ask | ProgramAsk;
}

/** What a lab reads and runs with. */
export interface LabMeans {
  readonly sources: Sources;
  readonly workers: WorkerPool;
}

/** What a rehearsal gives back when it released. */
export interface Rehearsal {
  readonly repeat: boolean;
  readonly outputs: readonly Output[];
  readonly notes: readonly Sentence[];
  readonly cost: Plan['cost'];
  readonly usage: Readonly<Record<string, string>>;
  readonly receipt: string;
  readonly releaseId: string;
  readonly dataset: Dataset;
}

const random = secureRandom();

/** Runs one request. Throws Refusal or Failure. */
export async function rehearse(request: LabRequest, state: LabState, means: LabMeans): Promise<Rehearsal> {
  const started = performance.now();
  const draft = compile(request, 'unregistered');
  await using source = await means.sources.open(draft.dataset, draft.policy);
  const version = state.version(draft.dataset.lineage, {
    content: source.content,
    path: draft.dataset.source.path,
  });
  const compiled = compile(request, version.versionId);
  const { plan } = compiled;

  const ledgers = ledgersOf(compiled.dataset, compiled.policy);
  const planDigest = planDigestOf(plan);
  const stored =
    compiled.policy.repeats === 'stored' ? state.stored(plan.dataset.lineage, planDigest) : undefined;
  if (stored !== undefined) return shown(compiled, stored, true);

  const jobId = randomUUID();
  const before = state.lineage(ledgers);
  try {
    state.reserveAndOpen(ledgers, jobId, plan.cost);
  } catch (error) {
    throw withNearest(error, request, { plan, ledgers, before });
  }
  const after = state.lineage(ledgers);

  await source.checkUnchanged();
  const { partials, noise, attestation, layers } = await measureCompiled(compiled, source, {
    workers: means.workers,
    seed: before.seed,
    random,
  });
  const cells = release(plan, partials, noise);
  await sleep(releaseDelayMs(plan.timing, performance.now() - started));

  const releaseId = randomUUID();
  const salt = randomBytes(16).toString('hex');
  const outputDigest = outputDigestOf(salt, evidenceOfCells(cells));
  const payload = releasedPayload(plan, compiled.policy, cells, {
    issuer: 'unseen lab',
    jobId,
    releaseId,
    request: requestPart(askedOf(request.ask)),
    grantId: null,
    purpose: null,
    policyDecision: null,
    commitment: commitVersion(version.versionKey, `sha256:${source.content}`),
    budget: [
      budgetLine(plan, ledgers.lineage.name, { before: before.ledger, after: after.ledger }),
      ...(ledgers.population === null
        ? []
        : [
            budgetLine(plan, ledgers.population.name, { before: before.population, after: after.population }),
          ]),
    ],
    outputDigest,
    usage: plannedUsageOf(plan),
    layers,
    attestation,
    separation: 'none',
    releasedAt: instantText(Date.now(), plan.dataset.timeZone),
  });
  const receipt = await issueReceipt(payload, state.signingKey, { embedKey: true });
  const answer: StoredAnswer = {
    lineage: plan.dataset.lineage,
    planDigest,
    releaseId,
    jobId,
    cells,
    salt,
    receipt,
  };
  state.release(answer);
  return shown(compiled, answer, false);
}

/** A refusal for want of budget; of a request for an accuracy, with the nearest one that the rest of the budget allows. */
function withNearest(
  error: unknown,
  request: LabRequest,
  {
    plan,
    ledgers,
    before,
  }: { plan: Plan; ledgers: LedgersOfDataset; before: ReturnType<LabState['lineage']> },
): unknown {
  if (!(error instanceof Refusal)) return error;
  const lefts = [
    { lineage: ledgers.lineage.name, ledger: before.ledger },
    { lineage: ledgers.population?.name ?? '', ledger: before.population },
  ].flatMap(({ lineage, ledger }) => (ledger === null ? [] : [{ lineage, nano: leftOf(ledger).nano }]));
  const [least] = lefts.sort((a, b) => (a.nano < b.nano ? -1 : 1));
  return (least === undefined ? null : shortOfBudget(plan, request.ask, least)) ?? error;
}

/** The stored cells, shown as this request asked. */
function shown({ plan, dataset, presentation }: Compiled, answer: StoredAnswer, repeat: boolean): Rehearsal {
  return {
    repeat,
    outputs: present(plan, answer.cells, presentation),
    notes: notesOf(plan, answer.releaseId),
    cost: plan.cost,
    usage: repeat ? freeUsageOf(plan) : plannedUsageOf(plan),
    receipt: answer.receipt,
    releaseId: answer.releaseId,
    dataset,
  };
}

function compile({ ask, datasets, policy }: LabRequest, versionId: string): Compiled | ProgramPlan {
  const catalogue: Catalogue = {
    datasets,
    policyOf: () => policy,
    versionIdOf: () => versionId,
    defaultTiming: { mode: 'exact' },
  };
  return 'program' in ask ? compileProgram(ask, catalogue) : compileQuery(ask, catalogue);
}

function askedOf(ask: Ask | ProgramAsk): Parameters<typeof requestPart>[0] {
  return 'program' in ask
    ? { frontEnd: 'program', program: ask.program.digest, params: ask.params }
    : { frontEnd: 'sql', sql: ask.sql };
}

/** The ledger around this run; an unlimited one counts from nothing. */
function budgetLine(
  plan: Plan,
  lineage: string,
  { before, after }: { readonly before: Ledger | null; readonly after: Ledger | null },
): ReceiptPayload['budget'][number] {
  const loss = (ledger: Ledger): { nano: string; thresholdDeltaYocto: string } => ({
    nano: String(ledger.spentNano),
    thresholdDeltaYocto: String(ledger.spentThresholdDeltaYocto),
  });
  const { unit, nano, thresholdDeltaYocto } = plan.cost;
  if (before === null || after === null) {
    const spent = { nano: String(nano), thresholdDeltaYocto: String(thresholdDeltaYocto) };
    return { lineage, unit, capacity: null, before: { nano: '0', thresholdDeltaYocto: '0' }, after: spent };
  }
  const { capacity } = after;
  const ceiling = { nano: String(capacity.nano), thresholdDeltaYocto: String(capacity.thresholdDeltaYocto) };
  return { lineage, unit, capacity: ceiling, before: loss(before), after: loss(after) };
}
