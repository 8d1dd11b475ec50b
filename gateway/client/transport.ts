/**
 * Transport: how a client's calls reach the server and come back, page after page, with a token and with patience.
 *
 * Guarantee: a call is repeated only where nobody answered or a proxy did, and every call is safe to repeat. All methods
 * throw ProblemError and UnreachableError.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SigningKey } from '#crypto/ed25519-key.ts';
import type { Language } from '#policies/words.ts';
import { type ProblemError, UnreachableError, problemOf } from './problem.ts';
import { FILE_TIMEOUT_MS } from './reports.ts';
import type { Page } from './resources.ts';
import { TokenSource } from './token.ts';

/** Waits before the second and the third attempt of a call. */
const RETRY_AFTER_MS = [200, 1_000];
const PATIENCE_MS = 5_000;
/** A call without an answer for this long has failed. Registration digests and prepares whole files. */
const CALL_TIMEOUT_MS = 60_000;

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

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface Call {
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly method?: 'GET' | 'POST';
  readonly accept?: string;
  readonly idempotencyKey?: string;
  readonly base?: string;
  readonly timeoutMs?: number;
}

/** One account's way to one server. */
export class Transport {
  readonly #url: string;
  readonly #language: Language;
  readonly #fetch: typeof fetch;
  readonly tokens: TokenSource;

  constructor(options: ClientOptions) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#language = options.language ?? 'en';
    this.#fetch = options.fetch ?? fetch;
    const { account, key, issuer = this.#url } = options;
    this.tokens = new TokenSource(
      { account, key, issuer, tokenUrl: `${this.#url}/oauth/token` },
      this.#fetch,
    );
  }

  /** A file of any size. It is cut off when the server fails meanwhile: then this throws as well. */
  async *file(path: string, query: Query): AsyncGenerator<string> {
    const { body, url } = await this.#send({ path, query, timeoutMs: FILE_TIMEOUT_MS });
    try {
      if (body !== null) yield* body.pipeThrough(new TextDecoderStream('utf-8', { ignoreBOM: true }));
    } catch (cause) {
      throw new UnreachableError(url, { cause });
    }
  }

  async all<Item>(path: string, query: Query = {}): Promise<readonly Item[]> {
    const items: Item[] = [];
    for await (const item of this.pages<Item>(path, query)) items.push(item);
    return items;
  }

  /** The first page of a list with something beside it, and the items of all pages. */
  async headed<View extends Page<unknown>>(path: string): Promise<View> {
    const first = await this.json<View>({ path, query: { limit: 200 } });
    const items = [...first.items];
    for (let cursor = first.nextCursor; cursor !== null;) {
      const page: Page<unknown> = await this.json({ path, query: { limit: 200, cursor } });
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    return { ...first, items };
  }

  async *pages<Item>(path: string, query: Query = {}): AsyncGenerator<Item> {
    let cursor: string | undefined;
    do {
      const page: Page<Item> = await this.json({ path, query: { ...query, limit: 200, cursor } });
      yield* page.items;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  create<Made>(path: string, body: unknown, options: Partial<Call> = {}): Promise<Made> {
    return this.json({ path, body, method: 'POST', idempotencyKey: randomUUID(), ...options });
  }

  /** An act on something that is there: the same act twice is the same as once. */
  act<Result>(path: string, body: unknown): Promise<Result> {
    return this.json({ path, body, method: 'POST', idempotencyKey: randomUUID() });
  }

  async json<Result>(call: Call): Promise<Result> {
    const response = await this.#send({ accept: 'application/json', ...call });
    try {
      return (response.status === 204 ? null : await response.json()) as Result;
    } catch (cause) {
      throw new UnreachableError(response.url, { cause });
    }
  }

  async text(call: Call): Promise<string> {
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
      if (mayRenew) this.tokens.forget();
      renewed ||= mayRenew;
      if (pause !== undefined) await sleep(pause);
    }
  }

  async #attempt({ path, query = {}, ...call }: Call): Promise<Response | UnreachableError> {
    const token = await this.tokens.token();
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
