/**
 * A whole platform in this process: database, gateway's submission, runner and jailed readers, with everything on.
 *
 * Policies decide twice, quota and budget are reserved and settled, receipts are signed, every run gets its usage record
 * and its leaf. HTTP is left out. Each dataset has a lineage and a grant of its own; all belong to one buyer.
 */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { callerOf } from '#gateway/auth/authenticate.ts';
import { recheck } from '#gateway/runner/recheck.ts';
import { registerWritten } from '#gateway/runner/register.ts';
import { type Runner, startRunner } from '#gateway/runner/runner.ts';
import { Sources } from '#gateway/runner/sources.ts';
import type { Caller } from '#gateway/http/endpoint.ts';
import type { Shell } from '#gateway/services/shell.ts';
import { submitJob } from '#gateway/services/submission.ts';
import { type Database, type DatabasePlace, openDatabase } from '#gateway/storage/database.ts';
import { approveGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import { findJob } from '#gateway/storage/job-view.ts';
import { findAccount, saveAccount, saveOrganisation } from '#gateway/storage/parties.ts';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { policyEngine } from '#policies/decide.ts';
import { parseGrant } from '#policies/grant.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { grantFile, STANDING } from '#tests/policies/request-fixture.ts';
import { freshEpsilon, VISITS_POLICY, visitsFile, visitsManifest, type VisitsSize } from './visits.ts';

const ISSUER = 'https://unseen.example';
const CHANNEL = 'operation';
const [OPERATOR, PROVIDER, BUYER] = ['city-data', 'health-bureau', 'city-university'];
const [START, END] = ['2020-01-01T00:00:00Z', '2100-01-01T00:00:00Z'];

export interface PlatformOptions extends VisitsSize {
  readonly place: DatabasePlace;
  /** Datasets, lineages and grants: as many of each. */
  readonly datasets: number;
  /** Jobs that the runner has under way at once. */
  readonly concurrency: number;
}

export interface Platform {
  /**
   * Submits a job on one of the datasets and waits until its release is committed. Returns the milliseconds between.
   * Throws when it ended otherwise.
   */
  run(dataset: number, question: (table: string) => string): Promise<number>;
  close(): Promise<void>;
}

/** Everything but a runner: who asks, what is asked of, and the gateway's submission. */
export interface PreparedGateway {
  readonly shell: Shell;
  readonly sources: Sources;
  /** Submits a job on one of the datasets. Returns its id. */
  submit(dataset: number, question: (table: string) => string): Promise<string>;
  close(): Promise<void>;
}

/** Opens the database, and registers, prepares and opens the sources. */
export async function prepareGateway(
  options: Omit<PlatformOptions, 'concurrency'>,
): Promise<PreparedGateway> {
  const db = await openDatabase(options.place);
  const sources = new Sources({ prepare: true });
  const shell = shellOf(db);
  const names: string[] = [];
  await saveParties(db);
  for (let index = 0; index < options.datasets; index += 1)
    names.push(await addDataset(db, sources, options, index));
  const account = await findAccount(db, 'analyst');
  const buyer = callerOf(account!);
  return {
    shell,
    sources,
    submit: (dataset, question) => submit(shell, buyer, names[dataset]!, question),
    close: async () => {
      await sources.close();
      await db.close();
    },
  };
}

/** Starts everything, with sources registered, prepared and open. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const gateway = await prepareGateway(options);
  const { shell, sources } = gateway;
  const endings = new Endings();
  const unlisten = await shell.db.listen('done', (jobId) => endings.tell(jobId));
  const runner = await startBenchRunner(shell, sources, options.concurrency);
  return {
    run: (dataset, question) => runOne(shell.db, endings, () => gateway.submit(dataset, question)),
    close: async () => {
      await runner.stop();
      await unlisten();
      await gateway.close();
    },
  };
}

/** Which jobs have ended, whoever comes first: the word or the one who waits for it. */
class Endings {
  readonly #waiting = new Map<string, () => void>();
  readonly #told = new Set<string>();

  tell(jobId: string): void {
    const resolve = this.#waiting.get(jobId);
    if (resolve === undefined) this.#told.add(jobId);
    else resolve();
  }

  async of(jobId: string): Promise<void> {
    if (this.#told.delete(jobId)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(jobId, resolve);
    await promise;
    this.#waiting.delete(jobId);
  }
}

async function submit(
  shell: Shell,
  buyer: Caller,
  name: string,
  question: (table: string) => string,
): Promise<string> {
  const asked = { grant: `grant-${name}`, purpose: 'public_welfare', scene: null, quote: null };
  const cost = { epsilon: freshEpsilon(), delta: null };
  const ask = {
    ...asked,
    ...cost,
    frontEnd: 'sql' as const,
    sql: question(name),
    outputKind: 'statistic' as const,
    costCentre: null,
    product: null,
  };
  return submitJob(shell, buyer, { ask, idempotency: null });
}

async function runOne(db: Database, endings: Endings, submitted: () => Promise<string>): Promise<number> {
  const started = performance.now();
  const jobId = await submitted();
  await endings.of(jobId);
  const ms = performance.now() - started;
  const job = await findJob(db, jobId);
  if (job?.outcome !== 'released' || job.repeat !== false)
    throw new Error(`a job ended as ${job?.outcome ?? 'unknown'} ${job?.code ?? ''}`);
  return ms;
}

function shellOf(db: Database): Shell {
  const [token, log, receipts] = [generateSigningKey(), generateSigningKey(), generateSigningKey()];
  return {
    db,
    policies: policyEngine(),
    trial: null,
    keys: {
      token,
      log: { name: 'unseen.example/log', key: log },
      receipts: [receipts.publicJwk],
      statement: receipts,
    },
    publicUrl: ISSUER,
    timeZone: 'Asia/Shanghai',
    channel: CHANNEL,
    ratePerMinute: 1e9,
    now: () => Date.now(),
    reportBug,
  };
}

function startBenchRunner({ db, policies }: Shell, sources: Sources, concurrency: number): Promise<Runner> {
  const shell = {
    db,
    sources,
    workers: new WorkerPool({ warm: 0 }),
    signingKey: generateSigningKey(),
    secret: randomBytes(32),
    issuer: ISSUER,
    separation: 'processes' as const,
    recheck: (job, compiled) => recheck({ db, policies, channel: CHANNEL }, job, compiled),
    reportAbort: () => undefined,
    reportBug,
  } satisfies Parameters<typeof startRunner>[0];
  return startRunner(shell, { name: 'bench', concurrency });
}

function reportBug(error: unknown): void {
  process.stderr.write(`bench: ${String(error)}\n`);
}

async function saveParties(db: Database): Promise<void> {
  for (const id of [OPERATOR, PROVIDER, BUYER]) {
    await saveOrganisation(db, {
      id,
      name: id,
      region: 'CN-31',
      sector: 'health',
      operator: id === OPERATOR,
    });
  }
  await saveAccount(db, { id: 'analyst', organisationId: BUYER, roles: ['buyer'], keys: [] });
}

/** A dataset with a file, a lineage and a grant of its own. Returns its name. */
async function addDataset(
  db: Database,
  sources: Sources,
  { rows, units }: VisitsSize,
  index: number,
): Promise<string> {
  const name = `visits_${index}`;
  const path = await visitsFile({ rows, units }, index + 1);
  await registerWritten(db, sources, {
    manifest: visitsManifest(path, { name, maxRows: rows }),
    policy: VISITS_POLICY,
    baseDirectory: tmpdir(),
    organisation: PROVIDER,
  });
  const grant = parseGrant({
    ...grantFile(),
    id: `grant-${name}`,
    holder: BUYER,
    datasets: [
      { dataset: name, version: 'latest', columns: ['region', 'ward', 'age', 'cost'], rowScope: 'all' },
    ],
    start: START,
    end: END,
    quota: { total: { runs: 1_000_000 } },
  });
  const upstream = STANDING.upstream.map((document) => ({ ...document, end: END }));
  const revision = await saveGrant(db, { grant, upstream, by: 'officer' });
  for (const side of ['provider', 'buyer', 'subject'] as const) {
    await approveGrant(db, { grantId: grant.id, revision, side, by: 'officer' });
  }
  return name;
}
