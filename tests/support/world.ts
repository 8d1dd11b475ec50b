/**
 * A small world in a database: an operator, a provider, a buyer, datasets with ledgers, grants, and jobs in any stage.
 *
 * Everything gets a fresh name, so that many tests can share one database, whose invariants must hold for all of it.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { parseGrant } from '#policies/grant.ts';
import { type Amounts, NOTHING_USED, type Quota, type QuotaUnit } from '#policies/quota.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { BillingFacts } from '#gateway/billing/facts.ts';
import { type Admission, admit, type RunPrice } from '#gateway/storage/admission.ts';
import type { Database } from '#gateway/storage/database.ts';
import { approveGrant, findAmounts, saveGrant } from '#gateway/storage/grant-store.ts';
import { findLedgers } from '#gateway/storage/ledger.ts';
import { openJob } from '#gateway/storage/open.ts';
import { saveAccount, saveOrganisation } from '#gateway/storage/parties.ts';
import { type ClaimedJob, claimJob } from '#gateway/storage/queue.ts';
import { saveQuote } from '#gateway/storage/quote-store.ts';
import { registerDataset } from '#gateway/storage/registration.ts';
import { commitRelease, type ReleaseInput, type StoredRelease } from '#gateway/storage/release.ts';
import type { PlannedUsage } from '#gateway/storage/tables/jobs.ts';
import { grantFile } from '#tests/policies/request-fixture.ts';

export const DAY = '2026-11-21';
export const LEASE_MS = 60_000;

const PLANNED: PlannedUsage = {
  runs: '1',
  calls: '1',
  rows: '1000',
  outputs: '4',
  computeUnits: '7',
  epsilonNano: '250000000',
  spendNano: '0',
};

/** 128 random bits in hex. */
export function freshId(): string {
  return randomBytes(16).toString('hex');
}

/** Who and what a job needs. */
export interface Scene {
  readonly organisation: string;
  readonly account: string;
  readonly dataset: string;
  readonly lineage: string;
  /** The ledger of its population, which its jobs pay as well. */
  readonly population: string | null;
  readonly versionId: string;
  readonly grant: string;
}

export interface SceneOptions {
  /** Nano-ρ of the lineage. */
  readonly capacity?: bigint | null;
  readonly yocto?: bigint;
  /** The ledger that its dataset shares with others of this population, and what it is registered with. */
  readonly population?: { readonly ledger: string; readonly capacity: bigint };
  readonly total?: Partial<Record<QuotaUnit, string>>;
  readonly perDay?: Partial<Record<QuotaUnit, string>>;
  /** What else the grant limits. */
  readonly quota?: Partial<Omit<Quota, 'total' | 'perDay'>>;
}

/** A buyer with a grant on a dataset with a ledger of its own. */
export async function makeScene(db: Database, options: SceneOptions = {}): Promise<Scene> {
  const tag = freshId().slice(0, 12);
  const [organisation, account, dataset] = [`buyer-${tag}`, `client-${tag}`, `visits_${tag}`];
  const described = { name: 'City University', region: 'CN-31', sector: 'health', operator: false };
  await saveOrganisation(db, { id: organisation, ...described });
  await saveAccount(db, { id: account, organisationId: organisation, roles: ['buyer'], keys: [] });
  const lineage = `lineage-${tag}`;
  const versionId = freshId();
  const { capacity = 1_000_000n, yocto = 0n, population: shared } = options;
  await registerDataset(db, {
    name: dataset,
    organisation,
    ledger: {
      lineage,
      unit: 'rho',
      capacity: capacity === null ? null : { nano: capacity, thresholdDeltaYocto: yocto },
    },
    population:
      shared === undefined
        ? null
        : {
            lineage: shared.ledger,
            unit: 'rho',
            capacity: { nano: shared.capacity, thresholdDeltaYocto: yocto },
          },
    manifest: { name: dataset },
    policy: { mechanism: 'gaussian' },
    policyDigest: 'd'.repeat(64),
    version: { id: versionId, commitment: `hmac-sha256:${'c'.repeat(64)}` },
    source: { path: `/data/${tag}.parquet`, digest: freshId(), identity: { size: 1 }, versionKey: freshId() },
  });
  const grant = await makeGrant(db, { organisation, dataset, ...options });
  return { organisation, account, dataset, lineage, population: shared?.ledger ?? null, versionId, grant };
}

/** Another grant for an organisation. */
export async function makeGrant(
  db: Database,
  {
    organisation,
    dataset,
    total,
    perDay,
    quota,
  }: Pick<SceneOptions, 'total' | 'perDay' | 'quota'> & {
    readonly organisation: string;
    readonly dataset: string;
  },
): Promise<string> {
  const file = grantFile();
  const id = `grant-${freshId().slice(0, 12)}`;
  const [terms] = file.datasets;
  const grant = parseGrant({
    ...file,
    id,
    holder: organisation,
    end: '2099-01-01T00:00:00+08:00',
    datasets: [{ ...terms, dataset }],
    quota: { total: { runs: '1000000', ...total }, perDay: perDay ?? null, ...quota },
  });
  await saveGrant(db, { grant, upstream: [], by: 'officer' });
  return id;
}

/** Approves a grant on all sides, which brings it into force and sets its share of the scene's ledgers aside. */
export async function giveShare(
  db: Database,
  scene: Scene,
  share: { readonly nano: bigint; readonly yocto?: bigint; readonly revision?: number },
): Promise<void> {
  const { nano, yocto = 0n, revision = 1 } = share;
  const shares = [scene.lineage, scene.population]
    .filter((lineage) => lineage !== null)
    .map((lineage) => ({ lineage, unit: 'rho' as const, nano, thresholdDeltaYocto: yocto }));
  for (const side of ['provider', 'buyer', 'subject'] as const)
    await approveGrant(db, { grantId: scene.grant, revision, side, by: side }, shares);
}

/** A request whose Plan nobody asked before, that everything allows. */
export function ask(scene: Scene, changes: Partial<Admission> & { readonly nano?: bigint } = {}): Admission {
  const { nano = 1_000n, ...rest } = changes;
  return {
    jobId: freshId(),
    account: scene.account,
    idempotency: null,
    datasets: [scene.dataset],
    request: { sql: 'SELECT count(*) FROM visits' },
    purpose: 'public_welfare',
    scene: 'influenza',
    epsilon: '0.25',
    delta: '1e-7',
    planDigest: freshId(),
    program: null,
    versionId: scene.versionId,
    planned: PLANNED,
    actors: { authoriser: 'health-bureau', operator: 'city-data', user: scene.organisation },
    grant: scene.grant,
    charges: [scene.lineage, scene.population]
      .filter((lineage) => lineage !== null)
      .map((lineage) => ({ lineage, unit: 'rho', nano, thresholdDeltaYocto: 0n })),
    day: DAY,
    timing: { mode: 'exact' },
    repeats: 'stored',
    review: false,
    quote: null,
    costCentre: null,
    product: null,
    priceOf: (_tx, _grant, planned) => Promise.resolve(priceOf(scene, planned['spendNano'] ?? '0')),
    decide: () => undefined,
    ...rest,
  };
}

/** Planned quantities as in `ask`, of a run that costs so many billionths of a yuan, or is changed otherwise. */
export function priced(spendNano: string, changes: PlannedUsage = {}): PlannedUsage {
  return { ...PLANNED, spendNano, ...changes };
}

/** A standing ceiling under which no price is too high. */
export function anyPrice(): Pick<Quota, 'standing'> {
  const spendNano = '9'.repeat(30);
  return { standing: { perCall: { spendNano }, perDay: { spendNano } } };
}

/** A price: so much for the call, at most. */
function priceOf({ organisation }: Scene, spendNano: string): RunPrice {
  const free = { card: null, zeroReason: 'no_rate_card', discount: null, billsFailed: false } as const;
  const billing: BillingFacts = {
    buyer: organisation,
    purposeClass: 'governance_welfare',
    channel: 'operation',
    costCentre: null,
    product: null,
    agreement: null,
    contributions: [],
    fees: [
      { feeType: 'data_usage', ...free },
      { feeType: 'technical_service', ...free },
    ],
  };
  return { billing, quoted: { 'data_usage/calls': spendNano }, spendNano };
}

/** Keeps a quote for a request, at its own price; the quote's id. */
export async function quoteFor(db: Database, scene: Scene, asked: Admission): Promise<string> {
  const { account: accountId, grant: grantId, planDigest, purpose, costCentre, product, planned } = asked;
  const { billing, quoted, spendNano } = priceOf(scene, planned['spendNano'] ?? '0');
  const id = freshId();
  const body = { purpose, scene: asked.scene, costCentre, product, usage: planned };
  const price = (BigInt(spendNano) + 9_999_999n) / 10_000_000n;
  const expiresAt = new Date(Date.now() + 3_600_000);
  await saveQuote(db, { id, accountId, grantId, planDigest, body, billing, quoted, price, expiresAt }, DAY);
  return id;
}

/** A decision that denies. */
export function deny(): never {
  throw new Refusal('PURPOSE_NOT_GRANTED', say('storage.noGrant'));
}

const CLAIMED = new WeakMap<Database, Map<string, ClaimedJob>>();
const CLAIM_MS = 10_000;

/** Claims until the job with this id comes. Others that are claimed on the way wait for their own call. */
export async function claim(db: Database, jobId: string, runner = 'runner-1'): Promise<ClaimedJob> {
  const waiting = CLAIMED.get(db) ?? new Map<string, ClaimedJob>();
  CLAIMED.set(db, waiting);
  for (const deadline = Date.now() + CLAIM_MS; Date.now() < deadline;) {
    const known = waiting.get(jobId);
    if (waiting.delete(jobId) && known !== undefined) return known;
    const job = await claimJob(db, { runner, leaseMs: LEASE_MS });
    if (job !== null) waiting.set(job.id, job);
    // Another call may be about to find it.
    else await sleep(2);
  }
  throw new Error(`the queue does not hold ${jobId}`);
}

/** What a runner hands in after its run. */
export function handIn(
  job: { readonly id: string; readonly attempt: number },
  cells = '[{"key":[],"values":[]}]',
): ReleaseInput {
  return {
    jobId: job.id,
    attempt: job.attempt,
    cells,
    salt: freshId(),
    outputDigest: `sha256:${'0'.repeat(64)}`,
    measured: { cpuMs: '12' },
    makeReceipt: ({ jobId, releaseId, budget }) => JSON.stringify({ receipt: jobId, releaseId, budget }),
  };
}

/** Admits, claims and opens a job. */
export async function openNew(db: Database, admission: Admission): Promise<ClaimedJob> {
  await admit(db, admission);
  const job = await claim(db, admission.jobId);
  await openJob(db, { jobId: job.id, attempt: job.attempt });
  return job;
}

/** A whole job, from request to release. */
export async function runWhole(db: Database, admission: Admission): Promise<StoredRelease> {
  return commitRelease(db, handIn(await openNew(db, admission)));
}

/** The ledger of a scene as numbers. */
export async function ledgerOf(db: Database, scene: Scene): Promise<{ reserved: bigint; spent: bigint }> {
  const [ledger] = await findLedgers(db, [scene.lineage]);
  return { reserved: BigInt(ledger?.reserved.nano ?? -1), spent: BigInt(ledger?.spent.nano ?? -1) };
}

/** What a grant has used and reserved, in all and on the day of `ask`. */
export async function usedOf(
  db: Database,
  grant: string,
): Promise<{ readonly total: Amounts; readonly today: Amounts }> {
  const amounts = await findAmounts(db, grant, ['total', `day:${DAY}`]);
  return { total: amounts['total'] ?? NOTHING_USED, today: amounts[`day:${DAY}`] ?? NOTHING_USED };
}
