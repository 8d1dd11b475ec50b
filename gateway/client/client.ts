/**
 * A typed client of the HTTP API: what the command line, the demonstration and the tests call the server with.
 *
 * Guarantee: a call that creates carries one Idempotency-Key through all its attempts, so that a lost answer
 * creates nothing twice; redirects are not followed, so that a token goes to the server it is for and nowhere else.
 * Not covered: whether what the server says is true; receipts and the log are for that (crypto/receipt.ts).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SigningKey } from '#crypto/ed25519-key.ts';
import type { Language } from '#policies/words.ts';
import { type ProblemError, UnreachableError, problemOf } from './problem.ts';
import type {
  Account,
  Ask,
  BudgetCharge,
  BudgetView,
  DatasetSummary,
  DatasetView,
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
  ReconciliationView,
  Registration,
  Release,
  ReportView,
  WaitingRelease,
} from './resources.ts';
import { type PriceCalls, priceCalls } from './prices.ts';
import { type AccessToken, TokenSource } from './token.ts';

/** Waits before the second and the third attempt of a call. */
const RETRY_AFTER_MS = [200, 1_000];
const PATIENCE_MS = 5_000;
/** How long one call waits for a job; the server's own limit. */
const WAIT_SECONDS = 30;
/** A call without an answer for this long has failed. Registration digests and prepares whole files. */
const CALL_TIMEOUT_MS = 60_000;
const REGISTRATION_TIMEOUT_MS = 6 * 3_600_000;
const FILE_TIMEOUT_MS = 3_600_000;

export interface ClientOptions {
  /** The gateway's listener, such as `http://127.0.0.1:7788`. */
  readonly url: string;
  /** The runner's listener; only registration needs it. */
  readonly runnerUrl?: string | undefined;
  /** What the server calls itself; default: its address. */
  readonly issuer?: string | undefined;
  readonly account: string;
  readonly key: SigningKey;
  /** The language of what the server says to people. */
  readonly language?: Language | undefined;
  readonly fetch?: typeof fetch | undefined;
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** One filter per dimension, by name. */
type Dimensions = Readonly<Record<string, string>>;

interface Call {
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly method?: 'GET' | 'POST';
  readonly accept?: string;
  readonly idempotencyKey?: string;
  readonly base?: string;
  readonly timeoutMs?: number;
}

/** One account's view of one server. All methods throw ProblemError and UnreachableError. */
export class Client {
  readonly #url: string;
  readonly #runnerUrl: string | undefined;
  readonly #language: Language;
  readonly #fetch: typeof fetch;
  readonly #tokens: TokenSource;
  /** The calls about prices. */
  readonly prices: PriceCalls = priceCalls({
    get: (path, query = {}) => this.#json({ path, query }),
    act: (path, body) => this.#act(path, body),
    create: (path, body) => this.#create(path, body),
  });

  constructor(options: ClientOptions) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#runnerUrl = options.runnerUrl?.replace(/\/+$/, '');
    this.#language = options.language ?? 'en';
    this.#fetch = options.fetch ?? fetch;
    const { account, key, issuer = this.#url } = options;
    this.#tokens = new TokenSource(
      { account, key, issuer, tokenUrl: `${this.#url}/oauth/token` },
      this.#fetch,
    );
  }

  /** A token for other programs. */
  token(): Promise<AccessToken> {
    return this.#tokens.token();
  }

  me(): Promise<Me> {
    return this.#json({ path: '/v1/me' });
  }

  organisations(): Promise<readonly Organisation[]> {
    return this.#all('/v1/organisations');
  }

  createOrganisation(organisation: NewOrganisation): Promise<Organisation> {
    return this.#create('/v1/organisations', organisation);
  }

  suspendOrganisation(id: string): Promise<Organisation> {
    return this.#act(`/v1/organisations/${encodeURIComponent(id)}/suspend`, undefined);
  }

  resumeOrganisation(id: string): Promise<Organisation> {
    return this.#act(`/v1/organisations/${encodeURIComponent(id)}/resume`, undefined);
  }

  accounts(): Promise<readonly Account[]> {
    return this.#all('/v1/accounts');
  }

  createAccount(account: NewAccount): Promise<Account> {
    return this.#create('/v1/accounts', account);
  }

  revokeAccount(id: string): Promise<unknown> {
    return this.#act(`/v1/accounts/${encodeURIComponent(id)}/revoke`, undefined);
  }

  datasets(): Promise<readonly DatasetSummary[]> {
    return this.#all('/v1/datasets');
  }

  dataset(name: string): Promise<DatasetView> {
    return this.#json({ path: `/v1/datasets/${encodeURIComponent(name)}` });
  }

  /** A dataset's ledgers and all charges on them; the ledgers as they were when the first charges were read. */
  async budget(dataset: string): Promise<BudgetView> {
    const path = `/v1/budgets/${encodeURIComponent(dataset)}`;
    const first = await this.#json<BudgetView & Page<BudgetCharge>>({ path, query: { limit: 200 } });
    const items = [...first.items];
    for (let cursor = first.nextCursor; cursor !== null;) {
      const page: Page<BudgetCharge> = await this.#json({ path, query: { limit: 200, cursor } });
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    return { dataset, ledgers: first.ledgers, items };
  }

  /** Registers with the runner, which digests and prepares the source before it answers. */
  registerDataset(registration: {
    readonly manifest: string;
    readonly policy: string;
    readonly baseDirectory: string;
  }): Promise<Registration> {
    return this.#create('/v1/datasets', registration, {
      base: this.#runner(),
      timeoutMs: REGISTRATION_TIMEOUT_MS,
    });
  }

  /** The inventory of cryptography of the runner: JSON objects, one a line. */
  cryptoInventory(): Promise<string> {
    return this.#text({ path: '/v1/crypto-inventory', base: this.#runner() });
  }

  /** How the end of a key stands, at the runner that keeps it. */
  keyDestruction(key: string): Promise<KeyStanding> {
    return this.#json({
      path: keyPath(key, 'destruction'),
      base: this.#runner(),
      accept: 'application/json',
    });
  }

  /** Asks for the end of a key, agrees to it, calls it off, holds it or lifts the hold. */
  actOnKey(key: string, act: KeyAct, reason: string): Promise<KeyStanding> {
    return this.#json({ method: 'POST', path: keyPath(key, act), base: this.#runner(), body: { reason } });
  }

  suspendDataset(name: string): Promise<DatasetSummary> {
    return this.#act(`/v1/datasets/${encodeURIComponent(name)}/suspend`, undefined);
  }

  resumeDataset(name: string): Promise<DatasetSummary> {
    return this.#act(`/v1/datasets/${encodeURIComponent(name)}/resume`, undefined);
  }

  withdrawDataset(name: string): Promise<DatasetSummary> {
    return this.#act(`/v1/datasets/${encodeURIComponent(name)}/withdraw`, undefined);
  }

  programs(): Promise<readonly ProgramSummary[]> {
    return this.#all('/v1/programs');
  }

  /** With its code; a reading by anybody but its owner is recorded. */
  program(digest: string): Promise<ProgramView> {
    return this.#json({ path: `/v1/programs/${encodeURIComponent(digest)}` });
  }

  submitProgram(program: NewProgram): Promise<ProgramSummary> {
    return this.#create('/v1/programs', program);
  }

  approveProgram(
    digest: string,
    approval: { readonly side?: string; readonly opinion?: string },
  ): Promise<ProgramSummary & { readonly side: string }> {
    return this.#act(`/v1/programs/${encodeURIComponent(digest)}/approval`, approval);
  }

  rejectProgram(
    digest: string,
    rejection: { readonly reason: string; readonly text: string; readonly basis: string },
  ): Promise<ProgramSummary> {
    return this.#act(`/v1/programs/${encodeURIComponent(digest)}/rejection`, rejection);
  }

  withdrawProgram(digest: string, reason: string): Promise<ProgramSummary> {
    return this.#act(`/v1/programs/${encodeURIComponent(digest)}/withdrawal`, { reason });
  }

  grants(): Promise<readonly GrantView[]> {
    return this.#all('/v1/grants');
  }

  grant(id: string): Promise<GrantView> {
    return this.#json({ path: `/v1/grants/${encodeURIComponent(id)}` });
  }

  createGrant(grant: unknown): Promise<GrantView> {
    return this.#create('/v1/grants', grant);
  }

  approveGrant(
    id: string,
    approval: { readonly side: string; readonly evidence?: string },
  ): Promise<unknown> {
    return this.#act(`/v1/grants/${encodeURIComponent(id)}/approve`, approval);
  }

  revokeGrant(id: string, reason: string): Promise<unknown> {
    return this.#act(`/v1/grants/${encodeURIComponent(id)}/revoke`, { reason });
  }

  suspendGrant(id: string): Promise<GrantView> {
    return this.#act(`/v1/grants/${encodeURIComponent(id)}/suspend`, undefined);
  }

  resumeGrant(id: string): Promise<GrantView> {
    return this.#act(`/v1/grants/${encodeURIComponent(id)}/resume`, undefined);
  }

  quote(ask: Ask): Promise<Quote> {
    return this.#create('/v1/quotes', ask);
  }

  submit(ask: Ask & { readonly quote?: string }): Promise<Job> {
    return this.#create('/v1/jobs', ask);
  }

  job(id: string): Promise<Job> {
    return this.#json({ path: `/v1/jobs/${encodeURIComponent(id)}` });
  }

  jobs(filter: { readonly account?: string; readonly dataset?: string } = {}): Promise<readonly Job[]> {
    return this.#all('/v1/jobs', filter);
  }

  cancelJob(id: string): Promise<Job> {
    return this.#act(`/v1/jobs/${encodeURIComponent(id)}/cancel`, undefined);
  }

  /** The job when it is done, or as it is when the time is up. Long polls; a job has no other progress. */
  async waitForJob(id: string, timeoutMs = Number.POSITIVE_INFINITY): Promise<Job> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const left = Math.max(0, end - Date.now());
      const wait = Math.min(WAIT_SECONDS, Math.ceil(left / 1000));
      const asked = Date.now();
      const job = await this.#json<Job>({ path: `/v1/jobs/${encodeURIComponent(id)}`, query: { wait } });
      if (job.state === 'done' || Date.now() >= end) return job;
      // A server that answers at once must not be asked in a tight loop.
      if (Date.now() - asked < 100) await sleep(100);
    }
  }

  /** An answer as `jobId` asked for it, by its HAVING, ORDER BY and LIMIT; without it, as the job that made it did. */
  release(id: string, jobId?: string): Promise<Release> {
    return this.#json({ path: `/v1/releases/${encodeURIComponent(id)}`, query: { job: jobId } });
  }

  releaseCsv(id: string, jobId: string): Promise<string> {
    const path = `/v1/releases/${encodeURIComponent(id)}`;
    return this.#text({ path, query: { job: jobId }, accept: 'text/csv' });
  }

  /** Jobs whose answers wait for a reviewer like this account. */
  reviews(): Promise<readonly WaitingRelease[]> {
    return this.#all('/v1/reviews');
  }

  /** The answer of a job that waits, as its buyer would get it. */
  review(jobId: string): Promise<Release> {
    return this.#json({ path: `/v1/reviews/${encodeURIComponent(jobId)}` });
  }

  approveRelease(jobId: string): Promise<unknown> {
    return this.#act(`/v1/reviews/${encodeURIComponent(jobId)}/approve`, undefined);
  }

  rejectRelease(
    jobId: string,
    rejection: { readonly reason: string; readonly note?: string },
  ): Promise<unknown> {
    return this.#act(`/v1/reviews/${encodeURIComponent(jobId)}/reject`, rejection);
  }

  receipt(jobId: string): Promise<JobEvidence> {
    return this.#json({ path: `/v1/receipts/${encodeURIComponent(jobId)}` });
  }

  checkpoint(): Promise<string> {
    return this.#text({ path: '/v1/log/checkpoint', accept: 'text/plain' });
  }

  logProof(jobId: string): Promise<string> {
    return this.#text({ path: `/v1/log/proofs/${encodeURIComponent(jobId)}`, accept: 'text/plain' });
  }

  logKey(): Promise<string> {
    return this.#text({ path: '/v1/log/key', accept: 'text/plain' });
  }

  /** The public keys of the server's receipts. */
  keySet(): Promise<unknown> {
    return this.#json({ path: '/.well-known/jwks.json' });
  }

  /** Usage events, page after page, in order. */
  usage(dimensions: Dimensions = {}): AsyncGenerator {
    return this.#pages('/v1/usage', dimensions);
  }

  /** Usage as a file, in pieces of text. */
  usageFile(ask: Dimensions & { readonly format: 'jsonl' | 'csv' }): AsyncGenerator<string> {
    return this.#file('/v1/exports/usage', ask);
  }

  /** Lines of statements as a file: as they are, or as FOCUS 1.4. */
  lineFile(
    form: 'lines' | 'focus',
    ask: Dimensions & { readonly month: string; readonly format: 'jsonl' | 'csv' },
  ): AsyncGenerator<string> {
    return this.#file(`/v1/exports/${form}`, ask);
  }

  /** A report of a month, or of a year. */
  report(kind: string, ask: Dimensions): Promise<ReportView> {
    return this.#json({ path: `/v1/reports/${encodeURIComponent(kind)}`, query: ask });
  }

  /** The same as one file for a spreadsheet. */
  reportCsv(kind: string, ask: Dimensions): Promise<string> {
    const path = `/v1/reports/${encodeURIComponent(kind)}`;
    return this.#text({ path, query: { ...ask, format: 'csv' }, accept: 'text/csv' });
  }

  /** Checks now that usage, evidence and bills agree. */
  reconcile(month?: string): Promise<ReconciliationView> {
    return this.#json({ path: '/v1/reconciliation', query: { month }, timeoutMs: FILE_TIMEOUT_MS });
  }

  /** Where the log stands: the end of an export that is continued later. */
  position(): Promise<{ readonly leaf: string; readonly at: string }> {
    return this.#json({ path: '/v1/exports/position' });
  }

  /** A file of any size. It is cut off when the server fails meanwhile: then this throws as well. */
  async *#file(path: string, query: Query): AsyncGenerator<string> {
    const { body, url } = await this.#send({ path, query, timeoutMs: FILE_TIMEOUT_MS });
    try {
      if (body !== null) yield* body.pipeThrough(new TextDecoderStream('utf-8', { ignoreBOM: true }));
    } catch (cause) {
      throw new UnreachableError(url, { cause });
    }
  }

  async #all<Item>(path: string, query: Query = {}): Promise<readonly Item[]> {
    const items: Item[] = [];
    for await (const item of this.#pages<Item>(path, query)) items.push(item);
    return items;
  }

  #runner(): string {
    if (this.#runnerUrl === undefined) throw new RangeError('this needs the address of the runner');
    return this.#runnerUrl;
  }

  async *#pages<Item>(path: string, query: Query = {}): AsyncGenerator<Item> {
    let cursor: string | undefined;
    do {
      const page: Page<Item> = await this.#json({ path, query: { ...query, limit: 200, cursor } });
      yield* page.items;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  #create<Made>(path: string, body: unknown, options: Partial<Call> = {}): Promise<Made> {
    return this.#json({ path, body, method: 'POST', idempotencyKey: randomUUID(), ...options });
  }

  /** An act on something that is there: the same act twice is the same as once. */
  #act<Result>(path: string, body: unknown): Promise<Result> {
    return this.#json({ path, body, method: 'POST', idempotencyKey: randomUUID() });
  }

  async #json<Result>(call: Call): Promise<Result> {
    const response = await this.#send({ accept: 'application/json', ...call });
    try {
      return (response.status === 204 ? null : await response.json()) as Result;
    } catch (cause) {
      throw new UnreachableError(response.url, { cause });
    }
  }

  async #text(call: Call): Promise<string> {
    const response = await this.#send(call);
    return response.text();
  }

  /** Sends until there is an answer: a second time with a new token, and after a pause when nobody answered. */
  async #send(call: Call): Promise<Response> {
    let renewed = false;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#attempt(call);
      // Not `instanceof Response`: an HTTP server in this process may have put its own class in that name's place.
      const response = outcome instanceof UnreachableError ? null : outcome;
      if (response?.ok === true) return response;
      const mayRenew: boolean = response?.status === 401 && !renewed;
      const pause = pauseAfter(response, attempt);
      if (!mayRenew && pause === undefined) throw await errorOf(outcome);
      await response?.body?.cancel();
      if (mayRenew) this.#tokens.forget();
      renewed ||= mayRenew;
      if (pause !== undefined) await sleep(pause);
    }
  }

  async #attempt({ path, query = {}, ...call }: Call): Promise<Response | UnreachableError> {
    const token = await this.#tokens.token();
    const url = new URL(`${call.base ?? this.#url}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers = {
      authorization: `Bearer ${token.text}`,
      'accept-language': this.#language,
      ...(call.accept !== undefined && { accept: call.accept }),
      ...(call.body !== undefined && { 'content-type': 'application/json' }),
      ...(call.idempotencyKey !== undefined && { 'idempotency-key': call.idempotencyKey }),
    };
    try {
      return await this.#fetch(url, {
        method: call.method ?? 'GET',
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(call.timeoutMs ?? CALL_TIMEOUT_MS),
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      });
    } catch (cause) {
      return new UnreachableError(url.origin, { cause });
    }
  }
}

/**
 * How long to wait before the same call again, in milliseconds; undefined where its outcome is final. Every call is
 * safe to repeat. A server that asks for more patience than PATIENCE_MS is left to the caller.
 */
function pauseAfter(response: Response | null, attempt: number): number | undefined {
  const pause = RETRY_AFTER_MS[attempt];
  if (pause === undefined || response === null) return pause;
  const seconds = response.headers.get('retry-after');
  if (seconds === null) return isDecided(response) ? undefined : pause;
  // 409: a twin of this request, whose answer was lost on its way to us, is still under way.
  const mayPass = [409, 429, 503].includes(response.status) && Number(seconds) * 1_000 <= PATIENCE_MS;
  return mayPass ? Math.max(pause, Number(seconds) * 1_000) : undefined;
}

/** A problem document is the server's own answer, whatever its status; a bare 502, 503 or 504 is a proxy's. */
function isDecided({ status, headers }: Response): boolean {
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true;
  return isProblem || ![502, 503, 504].includes(status);
}

async function errorOf(outcome: Response | UnreachableError): Promise<ProblemError | UnreachableError> {
  return outcome instanceof UnreachableError ? outcome : problemOf(outcome);
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
