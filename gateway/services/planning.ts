/**
 * Planning: from what a buyer sent to a Plan, its planned quantities, its charges and the request for a decision.
 *
 * Guarantee: no data are touched, and the gateway holds no way to them: the catalogue it compiles against has no
 * source. A quote and a job of the same text, purpose and parameters have the same Plan, digest and cost.
 */
import type { DecisionRecord } from '#policies/decide.ts';
import type { OutputKind } from '#policies/grant.ts';
import { checkKind } from '#policies/output-kind.ts';
import { isPurpose } from '#policies/purpose.ts';
import { type Amounts, checkCounted, type Counted, quotaDay, quotaLeft } from '#policies/quota.ts';
import { Refusal } from '#policies/refusal.ts';
import type { DatasetFacts, Principal, UseRequest } from '#policies/request.ts';
import { termsOf } from '#policies/terms.ts';
import { type Sentence, say } from '#policies/words.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { PublicDataset } from '#sandbox/manifest/public-view.ts';
import { columnsReadBy, type Plan, type Presentation, type Timing } from '#sandbox/plan.ts';
import { compileProgram, type ProgramPlan } from '#sandbox/program/compile.ts';
import { type Catalogue, type Compiled, compileQuery } from '#sandbox/query/compile.ts';
import type { AccuracyAsk } from '#sandbox/release/accuracy.ts';
import { notesOf } from '#sandbox/release/notes.ts';
import { planDigestOf, plannedUsageOf } from '#sandbox/release/statement.ts';
import type { DocumentRef } from '../billing/facts.ts';
import type { StoredGrant } from '../storage/admission.ts';
import type { Tx } from '../storage/database.ts';
import type { Charge } from '../storage/ledger.ts';
import type { PlannedUsage } from '../storage/tables/jobs.ts';
import { listDatasets, type StoredDataset } from '../storage/dataset-list.ts';
import { findOrganisation } from '../storage/party-list.ts';
import { approvedProgram } from './program-loading.ts';
import type { Shell } from './shell.ts';

/** What an absent `timing` means for SQL in a server: the runner compiles with the same. */
export const SERVER_TIMING: Timing = { mode: 'quantum', quantumMs: 125 };

/** A request as a buyer sent it; absent fields are null. */
export type SentAsk = BuyerTerms & { readonly product: string | null } & (
    | SqlAsked
    | ProgramAsked
    | ProductAsked
  );

/** A request with what a product made of it: a query, or a program with its parameters. */
export type BuyerAsk = BuyerTerms & { readonly product: ProductCall | null } & (SqlAsked | ProgramAsked);

/** The wording of a product that is called, and with what. */
export interface ProductCall extends DocumentRef {
  /** Of a product that is questions of the buyer's own about one dataset; else null. */
  readonly dataset: string | null;
  readonly parameters: ProductParameters;
}

/** Typed values by name. */
export type ProductParameters = Readonly<Record<string, string | number | boolean>>;

/** What is computed: the text of a query. */
interface SqlAsked {
  readonly frontEnd: 'sql';
  readonly sql: string;
}

/** What is computed: an approved program, by digest, with its parameters. */
interface ProgramAsked {
  readonly frontEnd: 'program';
  readonly program: string;
  readonly params: Readonly<Record<string, unknown>> | null;
}

/** What is computed: what the product says. */
interface ProductAsked {
  readonly frontEnd: 'product';
  readonly parameters: ProductParameters;
}

interface BuyerTerms extends AccuracyAsk {
  readonly delta: number | null;
  readonly grant: string;
  readonly purpose: string;
  /** Null: the scene of the grant. */
  readonly scene: string | null;
  readonly outputKind: OutputKind;
  readonly quote: string | null;
  /** On which of its organisation's cost centres it is booked. */
  readonly costCentre: string | null;
}

/** A Plan's cost as JSON. */
export interface CostText {
  readonly unit: 'rho' | 'epsilon';
  readonly nano: string;
  readonly thresholdDeltaYocto: string;
  readonly epsilon: number;
  readonly delta: number;
}

/** What is needed to show stored cells as this request asked, and outlives a change of manifest or policy. */
export interface Showing {
  readonly plan: Pick<Plan, 'keys' | 'dataset'>;
  readonly presentation: Presentation;
  readonly notes: readonly Sentence[];
}

/** What a job keeps of its request, in `job.request`: the request as sent, which the runner compiles again, and more. */
export type KeptRequest = BuyerAsk & KeptDecision;

/** The same of a request that was refused, perhaps before it was known what its product is. */
export type KeptRefusal = (SentAsk | BuyerAsk) & KeptDecision;

interface KeptDecision {
  /** Null where no decision was reached. Its `requestDigest` is the decision's id. */
  readonly decision: DecisionRecord | null;
  readonly cost: CostText | null;
  /** When the answer leaves, by Plan. */
  readonly timing: Timing | null;
  readonly showing: Showing | null;
  /** Whether a person decides about the release: by kind and policy alone. */
  readonly review: boolean;
  /** Whether the request was refused when it came; then its parameters are not kept. */
  readonly refused: boolean;
  /** Of the parameters as they were sent; null without any. */
  readonly paramsDigest: string | null;
}

/** A compiled request with everything that follows from it. */
export interface Planning {
  readonly compiled: Compiled | ProgramPlan;
  readonly dataset: StoredDataset;
  readonly facts: DatasetFacts;
  readonly planDigest: string;
  readonly planned: PlannedUsage;
  readonly charges: readonly Charge[];
  /** Columns the request names, without the privacy unit. */
  readonly columns: readonly string[];
}

/**
 * Compiles a request of an organisation against the newest version of the datasets. Refuses: every code of a query;
 * PROGRAM_NOT_APPROVED.
 */
export async function planAsk(shell: Shell, ask: BuyerAsk, organisation: string): Promise<Planning> {
  const stored = (await listDatasets(shell.db)).filter(({ state }) => state !== 'withdrawn');
  const compiled = await compileAsk(shell.db, { ask, organisation }, catalogueOf(stored));
  const dataset = stored.find(({ name }) => name === compiled.dataset.name);
  if (dataset === undefined) throw new RangeError('a Plan is about a dataset of its catalogue');
  const sold = ask.product?.dataset ?? null;
  if (sold !== null && sold !== dataset.name)
    throw new Refusal('PARAM', say('product.dataset', { product: ask.product?.id ?? '', dataset: sold }));
  return planningOf(shell.db, compiled, dataset);
}

/**
 * The one place where a request of an organisation becomes a Plan, whatever its front end: the gateway and the runner
 * compile alike. Refuses as the front ends do; PROGRAM_NOT_APPROVED.
 */
export async function compileAsk(
  db: Tx,
  { ask, organisation }: { readonly ask: BuyerAsk; readonly organisation: string },
  catalogue: Catalogue,
): Promise<Compiled | ProgramPlan> {
  if (ask.frontEnd === 'sql') return compileQuery(ask, catalogue);
  const program = await approvedProgram(db, { digest: ask.program, organisation });
  const { params, epsilon, delta, maxError = null, atSize = null } = ask;
  return compileProgram({ program, params, epsilon, delta, maxError, atSize }, catalogue);
}

/** What follows from a compiled request about a stored dataset: the gateway and the runner decide on the same. */
export async function planningOf(
  db: Tx,
  compiled: Planning['compiled'],
  dataset: StoredDataset,
): Promise<Planning> {
  const provider = await findOrganisation(db, dataset.organisationId);
  const { plan } = compiled;
  return {
    compiled,
    dataset,
    facts: {
      id: dataset.name,
      provider: dataset.organisationId,
      providerSuspended: provider?.suspended ?? true,
      grade: compiled.dataset.grade,
      origin: compiled.dataset.origin,
      suspended: dataset.state !== 'active',
    },
    planDigest: planDigestOf(plan),
    planned: plannedOf(plan),
    charges: chargesOf(plan, dataset),
    columns: columnsAsked(plan),
  };
}

/** The catalogue that the gateway compiles against. */
export function catalogueOf(stored: readonly StoredDataset[]): Catalogue {
  const byName = new Map(stored.map((dataset) => [dataset.name, dataset]));
  const storedOf = ({ name }: Dataset): StoredDataset => {
    const found = byName.get(name);
    if (found === undefined) throw new RangeError('a catalogue is asked about its own datasets');
    return found;
  };
  return {
    datasets: stored.map(({ manifest }) => withoutSource(manifest)),
    policyOf: (dataset) => storedOf(dataset).policy,
    versionIdOf: (dataset) => storedOf(dataset).versionId,
    defaultTiming: SERVER_TIMING,
  };
}

/** A manifest for the compiler, which reads no source: there is none to read. */
function withoutSource(manifest: PublicDataset): Dataset {
  return { ...manifest, source: { type: 'parquet', path: '' } };
}

/** Planned quantities of a run, whole numbers by name. What it costs the ledger is stated beside them, not among them. */
function plannedOf(plan: Plan): PlannedUsage {
  const { ledgerNano: _nano, thresholdDeltaYocto: _yocto, ...planned } = plannedUsageOf(plan);
  return { ...planned, spendNano: '0' };
}

function chargesOf({ cost }: Plan, { lineageId, populationId }: StoredDataset): readonly Charge[] {
  const { unit, nano, thresholdDeltaYocto } = cost;
  const ledgers = populationId === null ? [lineageId] : [lineageId, populationId];
  return [...new Set(ledgers)].map((lineage) => ({ lineage, unit, nano, thresholdDeltaYocto }));
}

function columnsAsked(plan: Plan): readonly string[] {
  return [...columnsReadBy(plan)].filter((column) => column !== plan.unit).sort();
}

/** As what a request of an instant counts; ms since the epoch. */
export function countedOf(
  ask: Pick<BuyerTerms, 'purpose' | 'costCentre'>,
  { compiled }: Pick<Planning, 'compiled'>,
  { at, hasQuote }: { readonly at: number; readonly hasQuote: boolean },
): Counted {
  const day = quotaDay(new Date(at).toISOString(), compiled.dataset.timeZone);
  const { purpose, costCentre } = ask;
  return { day, purpose, costCentre, hasQuote };
}

/**
 * The request for a decision on a use. Refusal PURPOSE_NOT_GRANTED for a purpose that is none, OUTPUT_KIND by
 * `checkKind`, PARAM and QUOTA by `checkCounted`.
 */
export function useRequest(
  shell: Pick<Shell, 'now' | 'channel'>,
  use: {
    readonly action: UseRequest['action'];
    readonly principal: Principal;
    readonly ask: BuyerAsk;
    readonly planning: Planning;
    /** With what it may cost at most. */
    readonly planned: PlannedUsage;
    readonly grant: StoredGrant & { readonly revoked?: boolean };
  },
): UseRequest {
  const { action, principal, ask, planning, planned, grant } = use;
  const { purpose } = ask;
  if (!isPurpose(purpose)) {
    const args = { grant: grant.id, granted: grant.body.purposes.join(', '), asked: purpose.slice(0, 80) };
    throw new Refusal('PURPOSE_NOT_GRANTED', say('grant.purpose', args));
  }
  checkKind(ask.outputKind, {
    listed: planning.compiled.policy.outputKinds,
    plannedOutputs: BigInt(planning.planned['outputs'] ?? '0'),
  });
  const { upstream, suspended, approvals, used } = grant;
  const amounts = amountsOf(planned);
  checkCounted(grant.body.quota, used, amounts);
  const left = quotaLeft(grant.body.quota, used);
  const standing = { revoked: grant.revoked ?? false, suspended, upstream, approvals, left };
  return {
    action,
    principal,
    dataset: planning.facts,
    grant: termsOf(grant.body, planning.dataset.name, standing),
    ask: {
      purpose,
      scene: ask.scene ?? grant.body.scene.id,
      channel: shell.channel,
      manner: ask.frontEnd,
      program: ask.frontEnd === 'program' ? ask.program : 'none',
      outputKind: ask.outputKind,
      version: planning.dataset.versionId,
      // The reader applies no row filter, so a grant that demands one is refused rather than widened.
      rowScope: 'all',
      columns: planning.columns,
      amounts,
    },
    now: new Date(shell.now()).toISOString(),
  };
}

function amountsOf(planned: PlannedUsage): Amounts {
  const amount = (unit: string): string => planned[unit] ?? '0';
  return {
    runs: amount('runs'),
    calls: amount('calls'),
    rows: amount('rows'),
    outputs: amount('outputs'),
    computeUnits: amount('computeUnits'),
    epsilonNano: amount('epsilonNano'),
    spendNano: amount('spendNano'),
  };
}

/** A cost as JSON. */
export function costText({ unit, nano, thresholdDeltaYocto, epsilon, delta }: Plan['cost']): CostText {
  return { unit, nano: String(nano), thresholdDeltaYocto: String(thresholdDeltaYocto), epsilon, delta };
}

/** An amount of the ledger in ρ, as decimal text; null where the ledger counts ε. */
export function rhoText(unit: CostText['unit'], nano: string): string | null {
  if (unit !== 'rho') return null;
  const digits = nano.padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '');
}

/** A cost as it is shown: in the ledger's nano, in ρ and in ε. */
export function shownCost(cost: CostText): CostText & { readonly rho: string | null } {
  return { ...cost, rho: rhoText(cost.unit, cost.nano) };
}

/** What a job keeps to show its answer. The lists of key values are left out: the cells carry theirs. */
export function showingOf({ plan, presentation }: Compiled): Showing {
  const { keys, dataset } = plan;
  const bare =
    keys.mode === 'none' ? keys : { ...keys, keys: keys.keys.map(({ expr }) => ({ expr, domain: null })) };
  return { plan: { keys: bare, dataset }, presentation, notes: notesOf(plan, null) };
}
