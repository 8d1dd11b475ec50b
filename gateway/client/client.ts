/**
 * A typed client of the HTTP API: what the command line, the demonstration and the tests call the server with.
 *
 * Guarantee: a call that creates carries one Idempotency-Key through all its attempts, so that a lost answer
 * creates nothing twice; redirects are not followed, so that a token goes to the server it is for and nowhere else.
 * Not covered: whether what the server says is true; receipts and the log are for that (crypto/receipt.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Account,
  Ask,
  BudgetCharge,
  BudgetView,
  DatasetSummary,
  DatasetView,
  GrantSpend,
  DocumentView,
  GrantView,
  Job,
  JobEvidence,
  KeyStanding,
  Me,
  NewAccount,
  NewOrganisation,
  NewProgram,
  Organisation,
  Page,
  ProgramSummary,
  ProgramView,
  Quote,
  Registration,
  Release,
  SpendAlert,
  WaitingRelease,
} from './resources.ts';
import { type Caller, type PriceCalls, priceCalls } from './prices.ts';
import { type QuoteCalls, quoteCalls } from './quotes.ts';
import { type Dimensions, type ReportCalls, reportCalls } from './reports.ts';
import { type StatementCalls, statementCalls } from './statements.ts';
import type { AccessToken } from './token.ts';
import { type ClientOptions, Transport } from './transport.ts';

/** How long one call waits for a job; the server's own limit. */
const WAIT_SECONDS = 30;
/** Registration digests and prepares whole files. */
const REGISTRATION_TIMEOUT_MS = 6 * 3_600_000;

/** One account's view of one server. All methods throw ProblemError and UnreachableError. */
export class Client {
  readonly #http: Transport;
  readonly #runnerUrl: string | undefined;
  /** The calls about files, reports and reconciliation. */
  readonly reports: ReportCalls = reportCalls({
    get: (path, query, timeoutMs) =>
      this.#http.json({ path, query, ...(timeoutMs !== undefined && { timeoutMs }) }),
    text: (path, query) => this.#http.text({ path, query, accept: 'text/csv' }),
    file: (path, query) => this.#http.file(path, query),
  });
  readonly #caller: Caller = {
    get: (path, query = {}) => this.#http.json({ path, query }),
    act: (path, body) => this.#http.act(path, body),
    create: (path, body) => this.#http.create(path, body),
  };
  /** The calls about prices. */
  readonly prices: PriceCalls = priceCalls(this.#caller);
  /** The calls about quotes that were made. */
  readonly quotes: QuoteCalls = quoteCalls(this.#caller);

  /** The calls about statements, corrections and settlement. */
  readonly statements: StatementCalls = statementCalls({
    ...this.#caller,
    pages: (path, query = {}) => this.#http.pages(path, query),
  });

  constructor(options: ClientOptions) {
    this.#http = new Transport(options);
    this.#runnerUrl = options.runnerUrl?.replace(/\/+$/, '');
  }

  /** A token for other programs. */
  token(): Promise<AccessToken> {
    return this.#http.tokens.token();
  }

  me(): Promise<Me> {
    return this.#http.json({ path: '/v1/me' });
  }

  organisations(): Promise<readonly Organisation[]> {
    return this.#http.all('/v1/organisations');
  }

  createOrganisation(organisation: NewOrganisation): Promise<Organisation> {
    return this.#http.create('/v1/organisations', organisation);
  }

  suspendOrganisation(id: string): Promise<Organisation> {
    return this.#http.act(`/v1/organisations/${encodeURIComponent(id)}/suspend`, undefined);
  }

  resumeOrganisation(id: string): Promise<Organisation> {
    return this.#http.act(`/v1/organisations/${encodeURIComponent(id)}/resume`, undefined);
  }

  accounts(): Promise<readonly Account[]> {
    return this.#http.all('/v1/accounts');
  }

  createAccount(account: NewAccount): Promise<Account> {
    return this.#http.create('/v1/accounts', account);
  }

  revokeAccount(id: string): Promise<unknown> {
    return this.#http.act(`/v1/accounts/${encodeURIComponent(id)}/revoke`, undefined);
  }

  datasets(): Promise<readonly DatasetSummary[]> {
    return this.#http.all('/v1/datasets');
  }

  dataset(name: string): Promise<DatasetView> {
    return this.#http.json({ path: `/v1/datasets/${encodeURIComponent(name)}` });
  }

  /** A dataset's ledgers and all charges on them; the ledgers as they were when the first charges were read. */
  async budget(dataset: string): Promise<BudgetView> {
    const path = `/v1/budgets/${encodeURIComponent(dataset)}`;
    const { ledgers, items } = await this.#http.headed<BudgetView & Page<BudgetCharge>>(path);
    return { dataset, ledgers, items };
  }

  /** Registers with the runner, which digests and prepares the source before it answers. */
  registerDataset(registration: {
    readonly manifest: string;
    readonly policy: string;
    readonly baseDirectory: string;
  }): Promise<Registration> {
    return this.#http.create('/v1/datasets', registration, {
      base: this.#runner(),
      timeoutMs: REGISTRATION_TIMEOUT_MS,
    });
  }

  /** The inventory of cryptography of the runner: JSON objects, one a line. */
  cryptoInventory(): Promise<string> {
    return this.#http.text({ path: '/v1/crypto-inventory', base: this.#runner() });
  }

  /** How the end of a key stands, at the runner that keeps it. */
  keyDestruction(key: string): Promise<KeyStanding> {
    return this.#http.json({
      path: keyPath(key, 'destruction'),
      base: this.#runner(),
      accept: 'application/json',
    });
  }

  /** Asks for the end of a key, agrees to it, calls it off, holds it or lifts the hold. */
  actOnKey(key: string, act: KeyAct, reason: string): Promise<KeyStanding> {
    return this.#http.json({
      method: 'POST',
      path: keyPath(key, act),
      base: this.#runner(),
      body: { reason },
    });
  }

  suspendDataset(name: string): Promise<DatasetSummary> {
    return this.#http.act(`/v1/datasets/${encodeURIComponent(name)}/suspend`, undefined);
  }

  resumeDataset(name: string): Promise<DatasetSummary> {
    return this.#http.act(`/v1/datasets/${encodeURIComponent(name)}/resume`, undefined);
  }

  withdrawDataset(name: string): Promise<DatasetSummary> {
    return this.#http.act(`/v1/datasets/${encodeURIComponent(name)}/withdraw`, undefined);
  }

  programs(): Promise<readonly ProgramSummary[]> {
    return this.#http.all('/v1/programs');
  }

  /** With its code; a reading by anybody but its owner is recorded. */
  program(digest: string): Promise<ProgramView> {
    return this.#http.json({ path: `/v1/programs/${encodeURIComponent(digest)}` });
  }

  submitProgram(program: NewProgram): Promise<ProgramSummary> {
    return this.#http.create('/v1/programs', program);
  }

  approveProgram(
    digest: string,
    approval: { readonly side?: string; readonly opinion?: string },
  ): Promise<ProgramSummary & { readonly side: string }> {
    return this.#http.act(`/v1/programs/${encodeURIComponent(digest)}/approval`, approval);
  }

  rejectProgram(
    digest: string,
    rejection: { readonly reason: string; readonly text: string; readonly basis: string },
  ): Promise<ProgramSummary> {
    return this.#http.act(`/v1/programs/${encodeURIComponent(digest)}/rejection`, rejection);
  }

  withdrawProgram(digest: string, reason: string): Promise<ProgramSummary> {
    return this.#http.act(`/v1/programs/${encodeURIComponent(digest)}/withdrawal`, { reason });
  }

  grants(): Promise<readonly GrantView[]> {
    return this.#http.all('/v1/grants');
  }

  grant(id: string): Promise<GrantView> {
    return this.#http.json({ path: `/v1/grants/${encodeURIComponent(id)}` });
  }

  /** What is counted under a grant, as it was when the first alerts were read, and all alerts. */
  async grantSpend(id: string): Promise<GrantSpend> {
    const path = `/v1/grants/${encodeURIComponent(id)}/spend`;
    const { grant, revision, counters, items } = await this.#http.headed<GrantSpend & Page<SpendAlert>>(path);
    return { grant, revision, counters, items };
  }

  createGrant(grant: unknown): Promise<GrantView> {
    return this.#http.create('/v1/grants', grant);
  }

  approveGrant(
    id: string,
    approval: { readonly side: string; readonly evidence?: string },
  ): Promise<unknown> {
    return this.#http.act(`/v1/grants/${encodeURIComponent(id)}/approve`, approval);
  }

  revokeGrant(id: string, reason: string): Promise<unknown> {
    return this.#http.act(`/v1/grants/${encodeURIComponent(id)}/revoke`, { reason });
  }

  suspendGrant(id: string): Promise<GrantView> {
    return this.#http.act(`/v1/grants/${encodeURIComponent(id)}/suspend`, undefined);
  }

  resumeGrant(id: string): Promise<GrantView> {
    return this.#http.act(`/v1/grants/${encodeURIComponent(id)}/resume`, undefined);
  }

  /** Every wording of documents of a kind that the caller may read. */
  documents(kind: string): Promise<readonly DocumentView[]> {
    return this.#http.all(`/v1/documents/${encodeURIComponent(kind)}`);
  }

  /** The newest wording that the caller may read, or one by its number. */
  document(kind: string, id: string, revision?: number): Promise<DocumentView> {
    const query = revision === undefined ? {} : { query: { revision } };
    return this.#http.json({
      path: `/v1/documents/${encodeURIComponent(kind)}/${encodeURIComponent(id)}`,
      ...query,
    });
  }

  fileDocument(kind: string, document: unknown): Promise<DocumentView> {
    return this.#http.create(`/v1/documents/${encodeURIComponent(kind)}`, document);
  }

  actOnDocument(
    { kind, id, revision }: { readonly kind: string; readonly id: string; readonly revision: number },
    act: 'approve' | 'withdraw',
  ): Promise<DocumentView> {
    const path = `/v1/documents/${encodeURIComponent(kind)}/${encodeURIComponent(id)}`;
    return this.#http.act(`${path}/revisions/${revision}/${act}`, undefined);
  }

  quote(ask: Ask): Promise<Quote> {
    return this.#http.create('/v1/quotes', ask);
  }

  submit(ask: Ask & { readonly quote?: string }): Promise<Job> {
    return this.#http.create('/v1/jobs', ask);
  }

  job(id: string): Promise<Job> {
    return this.#http.json({ path: `/v1/jobs/${encodeURIComponent(id)}` });
  }

  jobs(filter: { readonly account?: string; readonly dataset?: string } = {}): Promise<readonly Job[]> {
    return this.#http.all('/v1/jobs', filter);
  }

  cancelJob(id: string): Promise<Job> {
    return this.#http.act(`/v1/jobs/${encodeURIComponent(id)}/cancel`, undefined);
  }

  /** The job when it is done, or as it is when the time is up. Long polls; a job has no other progress. */
  async waitForJob(id: string, timeoutMs = Number.POSITIVE_INFINITY): Promise<Job> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const left = Math.max(0, end - Date.now());
      const wait = Math.min(WAIT_SECONDS, Math.ceil(left / 1000));
      const asked = Date.now();
      const job = await this.#http.json<Job>({ path: `/v1/jobs/${encodeURIComponent(id)}`, query: { wait } });
      if (job.state === 'done' || Date.now() >= end) return job;
      // A server that answers at once must not be asked in a tight loop.
      if (Date.now() - asked < 100) await sleep(100);
    }
  }

  /** An answer as `jobId` asked for it, by its HAVING, ORDER BY and LIMIT; without it, as the job that made it did. */
  release(id: string, jobId?: string): Promise<Release> {
    return this.#http.json({ path: `/v1/releases/${encodeURIComponent(id)}`, query: { job: jobId } });
  }

  releaseCsv(id: string, jobId: string): Promise<string> {
    const path = `/v1/releases/${encodeURIComponent(id)}`;
    return this.#http.text({ path, query: { job: jobId }, accept: 'text/csv' });
  }

  /** Jobs whose answers wait for a reviewer like this account. */
  reviews(): Promise<readonly WaitingRelease[]> {
    return this.#http.all('/v1/reviews');
  }

  /** The answer of a job that waits, as its buyer would get it. */
  review(jobId: string): Promise<Release> {
    return this.#http.json({ path: `/v1/reviews/${encodeURIComponent(jobId)}` });
  }

  approveRelease(jobId: string): Promise<unknown> {
    return this.#http.act(`/v1/reviews/${encodeURIComponent(jobId)}/approve`, undefined);
  }

  rejectRelease(
    jobId: string,
    rejection: { readonly reason: string; readonly note?: string },
  ): Promise<unknown> {
    return this.#http.act(`/v1/reviews/${encodeURIComponent(jobId)}/reject`, rejection);
  }

  receipt(jobId: string): Promise<JobEvidence> {
    return this.#http.json({ path: `/v1/receipts/${encodeURIComponent(jobId)}` });
  }

  checkpoint(): Promise<string> {
    return this.#http.text({ path: '/v1/log/checkpoint', accept: 'text/plain' });
  }

  logProof(jobId: string): Promise<string> {
    return this.#http.text({ path: `/v1/log/proofs/${encodeURIComponent(jobId)}`, accept: 'text/plain' });
  }

  logKey(): Promise<string> {
    return this.#http.text({ path: '/v1/log/key', accept: 'text/plain' });
  }

  /** The public keys of the server's receipts. */
  keySet(): Promise<unknown> {
    return this.#http.json({ path: '/.well-known/jwks.json' });
  }

  /** Usage events, page after page, in order. */
  usage(dimensions: Dimensions = {}): AsyncGenerator {
    return this.#http.pages('/v1/usage', dimensions);
  }

  #runner(): string {
    if (this.#runnerUrl === undefined) throw new RangeError('this needs the address of the runner');
    return this.#runnerUrl;
  }
}

/** What can be done about the end of a key, as the runner's addresses name it. */
export type KeyAct =
  | 'destruction'
  | 'destruction/approval'
  | 'destruction/cancellation'
  | 'hold'
  | 'hold/lifting';

function keyPath(key: string, act: KeyAct): string {
  return `/v1/keys/${encodeURIComponent(key)}/${act}`;
}
