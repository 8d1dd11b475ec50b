/**
 * Everything a buyer sees of a server, recorded on its way, and what of it must be a function of public quantities.
 *
 * Guarantee: only what is listed here is masked, each in the form that it must have, so that a quantity in the wrong
 * place stays in sight. Ids become numbers by order of appearance; a release time becomes its distance from the
 * submission. Everything else (status, headers, fields, order, lengths) stays byte for byte.
 * Not covered: when an answer arrived by the reader's own clock.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than a bucket of 100 requests a second needs for one, so that rate-limit fields are always the same. */
const PAUSE_MS = 25;

/** One answer of a server. */
export interface Exchange {
  /** Method and path. */
  readonly call: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A `fetch` that keeps what was answered. */
export function recorder(): { readonly fetch: typeof fetch; readonly exchanges: Exchange[] } {
  const exchanges: Exchange[] = [];
  const recording: typeof fetch = async (input, init) => {
    await sleep(PAUSE_MS);
    const response = await fetch(input, init);
    const url = new URL(input instanceof Request ? input.url : input);
    exchanges.push({
      call: `${init?.method ?? 'GET'} ${url.pathname}${url.search}`,
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.clone().text(),
    });
    return response;
  };
  return { fetch: recording, exchanges };
}

/** What one exchange shows, less what may differ. */
export interface View {
  readonly call: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The view of a whole session. */
export function viewOf(exchanges: readonly Exchange[]): View[] {
  const mask = new Mask();
  return exchanges.map((exchange) => mask.view(exchange));
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = Extract<Json, { readonly [name: string]: Json }>;

/** Fields that may differ, with the form that they must have. */
const FORMS: Readonly<Record<string, RegExp>> = {
  access_token: /^[\w-]+\.[\w-]+\.[\w-]+$/,
  commitment: /^hmac-sha256:[0-9a-f]{64}$/,
  decisionId: /^(?:sha256:)?[0-9a-f]{64}$/,
  recordDigest: /^(?:sha256:)?[0-9a-f]{64}$/,
  outputDigest: /^sha256:[0-9a-f]{64}$/,
  instance: /^\/requests\/[0-9a-f-]{36}$/,
  saltId: /^[\w-]{16,64}$/,
  kid: /^[\w-]{43}$/,
  x: /^[\w-]{43}$/,
  log: /^unseen\.local\/log\+[0-9a-f]{8}\+[\w+/=]{44}$/,
};
const TIMES = new Set([
  'submittedAt',
  'releaseAt',
  'releasedAt',
  'expiresAt',
  'acceptedAt',
  'time',
  'at',
  'filedAt',
]);
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/;
const VALUES = ['value', 'exact', 'low', 'high'];
/** What HTTP adds by itself, and the length of what is masked. */
const HEADERS_OF_THEIR_OWN = ['date', 'x-request-id'];

class Mask {
  readonly #labels = new Map<string, string>();
  /** When each job was submitted, by its id. */
  readonly #submitted = new Map<string, number>();

  view({ call, status, headers, body }: Exchange): View {
    // Of released values, and of "queued" or "accepted".
    const hasOwnLength = call.startsWith('GET /v1/releases/') || status === 202;
    const hidden = hasOwnLength ? [...HEADERS_OF_THEIR_OWN, 'content-length'] : HEADERS_OF_THEIR_OWN;
    const kept = Object.entries(headers).filter(([name]) => !hidden.includes(name));
    const type = headers['content-type'] ?? '';
    const masked = type.includes('json')
      ? this.#json('', JSON.parse(body) as Json)
      : this.#text(type, call, body);
    return {
      call: this.#ids(call),
      status,
      headers: Object.fromEntries(kept.map(([name, value]) => [name, this.#ids(value)])),
      body: masked,
    };
  }

  /** Ids of 128 bits, and digests of Plans, which name a version by its id: by order of appearance. */
  #ids(text: string): string {
    return text.replaceAll(/\b[0-9a-f]{32}\b/g, (id) => this.#label('id', id));
  }

  #label(kind: string, text: string): string {
    const label = this.#labels.get(text) ?? `<${kind} ${this.#labels.size + 1}>`;
    this.#labels.set(text, label);
    return label;
  }

  #text(type: string, call: string, text: string): string {
    if (type.startsWith('text/csv')) return this.#csv(call, text);
    // Notes, proofs and checkpoints of the log: hashes and signatures.
    return this.#ids(text)
      .replaceAll(/^[A-Za-z0-9+/]{43}=$/gm, '<hash>')
      .replaceAll(/^(— \S+) [A-Za-z0-9+/=]{92}$/gm, '$1 <signature>')
      .replaceAll(/\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}$/gm, '<verifier>');
  }

  #csv(call: string, text: string): string {
    const lines = text.split('\r\n');
    if (call.startsWith('GET /v1/usage'))
      return this.#ids(lines.map((line) => line.replace(/,\d{4}-[\d:T.+-]+,/, ',<time>,')).join('\r\n'));
    const isHead = (line: string, at: number): boolean =>
      line.startsWith('#') || lines[at - 1]?.startsWith('#') === true;
    const head = lines.filter(isHead);
    const rows = lines.slice(head.length).map((line) => (line === '' ? '' : '<released>'));
    return this.#ids([...head, ...rows].join('\r\n'));
  }

  #json(name: string, value: Json): Json {
    if (typeof value === 'string') return this.#string(name, value);
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => this.#json(name, item));
    if (typeof value !== 'object' || value === null) return value;
    return this.#object(value as JsonObject);
  }

  #string(name: string, text: string): Json {
    if (name === 'receipt' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text))
      return text
        .split('.')
        .slice(0, 2)
        .map((part) => this.#json('', JSON.parse(Buffer.from(part, 'base64url').toString()) as Json));
    if (name === 'record') return this.#json('', JSON.parse(text) as Json);
    if (name === 'proof') return this.#text('', '', text);
    if (TIMES.has(name) && INSTANT.test(text)) return '<time>';
    if (name === 'planDigest' && /^sha256:[0-9a-f]{64}$/.test(text)) return this.#label('plan', text);
    if (FORMS[name]?.test(text) === true) return `<${name}>`;
    return this.#ids(text);
  }

  #object(object: JsonObject): Json {
    this.#learn(object);
    // Whether a runner has taken it yet, which it does before it opens anything.
    const isWaiting = object['state'] === 'queued' || object['state'] === 'accepted';
    const shown = { ...object, ...this.#released(object), ...this.#releaseTime(object) };
    if (isWaiting && 'submittedAt' in object) Object.assign(shown, { state: 'queued or accepted' });
    // The salted digest of an answer stands beside the id of its salt.
    if (typeof shown['saltId'] === 'string' && /^sha256:[0-9a-f]{64}$/.test(textOf(shown['digest'])))
      Object.assign(shown, { digest: '<digest>' });
    return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, this.#json(name, value)]));
  }

  #learn({ id, submittedAt }: JsonObject): void {
    if (typeof id === 'string' && typeof submittedAt === 'string')
      this.#submitted.set(id, Date.parse(submittedAt));
  }

  /** Released values; keys stay, because what is not released of them must not show. */
  #released({ jobId, outputs, cells }: JsonObject): JsonObject {
    if (!Array.isArray(outputs) || typeof cells !== 'object' || typeof jobId !== 'string') return {};
    const shown = (outputs as readonly JsonObject[]).map((output) => ({
      ...output,
      ...Object.fromEntries(VALUES.map((name) => [name, '<released>'])),
    }));
    return { outputs: shown, cells: '<released>' };
  }

  /** A run's release time as its distance from the submission; nothing is read where it ends at once. */
  #releaseTime(object: JsonObject): JsonObject {
    const { data, repeat, outcome } = object;
    const about = typeof data === 'object' && data !== null ? (data as JsonObject) : object;
    const submitted = this.#submitted.get(textOf(about['job'] ?? about['jobId'] ?? about['id']));
    const name = ['releaseAt', 'releasedAt', 'time'].find((field) => typeof object[field] === 'string');
    const isAtOnce =
      about['repeat'] === true || repeat === true || (about['outcome'] ?? outcome) === 'refused';
    if (submitted === undefined || name === undefined || isAtOnce) return {};
    return { [name]: `${Date.parse(textOf(object[name])) - submitted} ms after its submission` };
  }
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
