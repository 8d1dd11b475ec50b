/**
 * The life of one job in the lab, told in order: the same compile, reader, Release and receipt as in a server.
 *
 * Each step may refuse or fail; the order is the argument. Refusals come before anything is reserved; budget is
 * reserved and on disk before the source is opened for the job; an answer is on disk before it is shown.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf } from '#crypto/canonical.ts';
import { commitVersion, outputDigestOf } from '#crypto/commitment.ts';
import type { ReceiptPayload } from '#crypto/receipt-payload.ts';
import { issueReceipt } from '#crypto/receipt.ts';
import { computePartials } from '#sandbox/execute.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import type { Plan } from '#sandbox/plan.ts';
import { type Compiled, compileQuery } from '#sandbox/query/compile.ts';
import { type Capacity, capacityOf, type Ledger, lineageView } from '#sandbox/release/accountant.ts';
import { bitsOutOf } from '#sandbox/release/bits-out.ts';
import { notesOf } from '#sandbox/release/notes.ts';
import { type Output, present } from '#sandbox/release/present.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { release } from '#sandbox/release/release.ts';
import { decimal, mechanismOf, planDigestOf, plannedUsageOf } from '#sandbox/release/statement.ts';
import { releaseDelayMs } from '#sandbox/release/timing.ts';
import { instantText } from '#sandbox/release/zone.ts';
import type { Sentence } from '#policies/words.ts';
import type { LabSources, RegisteredSource } from './sources.ts';
import type { LabState, StoredAnswer, Version } from './state.ts';

/** One request to the lab, parsed. */
export interface LabRequest {
  readonly datasets: readonly Dataset[];
  readonly policy: ReleasePolicy;
  readonly sql: string;
  readonly epsilon: number | null;
  readonly delta: number | null;
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
  readonly lineage: string;
}

const random = secureRandom();

/** Runs one request. Throws Refusal or Failure. */
export async function rehearse(
  request: LabRequest,
  state: LabState,
  sources: LabSources,
): Promise<Rehearsal> {
  const started = performance.now();
  const draft = compile(request, 'unregistered');
  const source = await sources.register(draft.dataset, draft.policy);
  const version = state.version(draft.dataset.lineage, {
    content: source.content,
    path: draft.dataset.source.path,
  });
  const compiled = compile(request, version.versionId);
  const { plan } = compiled;

  const capacity = capacityOfPolicy(compiled.policy);
  const planDigest = planDigestOf(plan);
  const stored =
    compiled.policy.repeats === 'stored' ? state.stored(plan.dataset.lineage, planDigest) : undefined;
  if (stored !== undefined) return shown(compiled, stored, true);

  const jobId = randomUUID();
  const lineage = (): { readonly ledger: Ledger | null; readonly seed: string } =>
    state.lineage(plan.dataset.lineage, capacity);
  const before = lineage().ledger;
  state.reserveAndOpen(plan.dataset.lineage, capacity, jobId, plan.cost);

  await source.checkUnchanged();
  const partials = await source.use((engine) =>
    computePartials(plan, compiled.dataset, engine, lineage().seed),
  );
  const cells = release(plan, partials, random);
  await sleep(releaseDelayMs(plan.timing, performance.now() - started));

  const releaseId = randomUUID();
  const salt = randomBytes(16).toString('hex');
  const statement = {
    jobId,
    releaseId,
    planDigest,
    bitsOut: bitsOutOf(plan, cells),
    output: outputDigestOf(salt, textCells(cells)),
  };
  const budget = { before, after: lineage().ledger };
  const receipt = await issueReceipt(
    payloadOf(request, compiled, { ...statement, ...budget, version, source }),
    state.signingKey,
    {
      embedKey: true,
    },
  );
  const answer: StoredAnswer = {
    lineage: plan.dataset.lineage,
    planDigest,
    releaseId,
    jobId,
    cells,
    receipt,
  };
  state.release(answer);
  return shown(compiled, answer, false);
}

/** The stored cells, shown as this request asked. */
function shown({ plan, presentation }: Compiled, answer: StoredAnswer, repeat: boolean): Rehearsal {
  return {
    repeat,
    outputs: present(plan, answer.cells, presentation),
    notes: notesOf(plan, answer.releaseId),
    cost: plan.cost,
    usage: plannedUsageOf(plan, { repeat }),
    receipt: answer.receipt,
    releaseId: answer.releaseId,
    lineage: answer.lineage,
  };
}

function compile(request: LabRequest, versionId: string): Compiled {
  return compileQuery(request, {
    datasets: request.datasets,
    policyOf: () => request.policy,
    versionIdOf: () => versionId,
    defaultTiming: { mode: 'exact' },
  });
}

/** The lineage's capacity under a policy; null: unlimited. */
export function capacityOfPolicy(policy: ReleasePolicy): Capacity | null {
  if (policy.budget === 'unlimited') return null;
  return capacityOf(policy.budget, {
    keysMayBeThresholded: policy.keys === 'thresholded',
    mechanism: policy.mechanism,
  });
}

/** The `lineage` part of a budget: what all jobs of the lineage spent and left. */
export function lineageBudget(
  state: LabState,
  lineage: string,
  policy: ReleasePolicy,
): { ledger: Ledger; view: ReturnType<typeof lineageView> } | null {
  const capacity = capacityOfPolicy(policy);
  const ledger = state.peek(lineage, capacity);
  if (ledger === null || policy.budget === 'unlimited') return null;
  return { ledger, view: lineageView(ledger, policy.budget) };
}

/** Cells as evidence: numbers as text. */
function textCells(cells: StoredAnswer['cells']): unknown {
  return JSON.parse(
    JSON.stringify(cells, (_, value: unknown) => (typeof value === 'number' ? decimal(value) : value)),
  );
}

interface StatementParts {
  readonly jobId: string;
  readonly releaseId: string;
  readonly planDigest: string;
  readonly bitsOut: string;
  readonly output: string;
  readonly before: Ledger | null;
  readonly after: Ledger | null;
  readonly version: Version;
  readonly source: RegisteredSource;
}

function payloadOf(
  request: LabRequest,
  { plan, dataset, policy }: Compiled,
  parts: StatementParts,
): ReceiptPayload {
  const { unit, nano, thresholdDeltaYocto, epsilon, delta } = plan.cost;
  return {
    version: '1',
    issuer: 'unseen lab',
    jobId: parts.jobId,
    decision: 'released',
    code: null,
    repeat: false,
    releaseId: parts.releaseId,
    request: { frontEnd: 'sql', digest: digestOf({ sql: request.sql }) },
    grantId: null,
    purpose: null,
    policyDecision: null,
    policyDigest: `sha256:${policy.digest}`,
    datasets: [
      {
        name: dataset.name,
        lineage: dataset.lineage,
        versionId: parts.version.versionId,
        commitment: commitVersion(parts.version.versionKey, `sha256:${parts.source.content}`),
      },
    ],
    planDigest: parts.planDigest,
    program: null,
    mechanism: mechanismOf(plan),
    cost: {
      unit,
      nano: String(nano),
      thresholdDeltaYocto: String(thresholdDeltaYocto),
      epsilon: decimal(epsilon),
      delta: decimal(delta),
    },
    budget: budgetLine(plan, parts.before, parts.after),
    output: { digest: parts.output, saltId: parts.releaseId },
    usage: plannedUsageOf(plan, { repeat: false }),
    jail: { demanded: policy.jail, layers: [...parts.source.layers] },
    separation: 'none',
    timing: timingText(plan),
    releasedAt: instantText(Date.now(), plan.dataset.timeZone),
    bitsOut: parts.bitsOut,
  };
}

function budgetLine(plan: Plan, before: Ledger | null, after: Ledger | null): ReceiptPayload['budget'] {
  const loss = (ledger: Ledger | null): { nano: string; thresholdDeltaYocto: string } => ({
    nano: String(ledger?.spentNano ?? 0n),
    thresholdDeltaYocto: String(ledger?.spentThresholdDeltaYocto ?? 0n),
  });
  const { nano, thresholdDeltaYocto } = plan.cost;
  const unlimitedAfter = { nano: String(nano), thresholdDeltaYocto: String(thresholdDeltaYocto) };
  return [
    {
      lineage: plan.dataset.lineage,
      unit: plan.cost.unit,
      capacity:
        after === null
          ? null
          : {
              nano: String(after.capacity.nano),
              thresholdDeltaYocto: String(after.capacity.thresholdDeltaYocto),
            },
      before: loss(before),
      after: after === null ? unlimitedAfter : loss(after),
    },
  ];
}

function timingText(plan: Plan): ReceiptPayload['timing'] {
  const { timing } = plan;
  if (timing.mode === 'planned') return { mode: 'planned', releaseAfterMs: String(timing.releaseAfterMs) };
  return timing.mode === 'quantum'
    ? { mode: 'quantum', quantumMs: String(timing.quantumMs) }
    : { mode: 'exact' };
}
