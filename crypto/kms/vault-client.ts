/**
 * Requests to the HTTP API of Vault or OpenBao: HTTPS only, one answer within a time, nothing taken on trust.
 *
 * Guarantee: the server's certificate must chain to the given authority and bear the host's name; an answer that is
 * late, larger than a MiB, redirected, or not JSON is an error. The token is read from its file, and again when the
 * server refuses it, so that whoever renews it only writes the file. After several failures in a row calls are
 * refused without asking (`circuit.ts`).
 * Not covered: what the server does with our keys.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';

import { Circuit } from './circuit.ts';
import { KmsError } from './adapter.ts';

export interface VaultOptions {
  /** `https://host:port`, without a path. */
  readonly address: string;
  /** PEM of the certificate authorities that may sign the server's certificate. */
  readonly caFile: string;
  /** A file with the token alone, as Vault Agent writes it. */
  readonly tokenFile: string;
  /** Where the transit engine is mounted, `transit` by default. */
  readonly mount?: string;
  /** Of Vault Enterprise or OpenBao. */
  readonly namespace?: string;
  /** For a whole request and its answer. */
  readonly timeoutMs?: number;
  /** Milliseconds that never go back, e.g. `performance.now`. */
  readonly clock: () => number;
}

/** What came back: a status below 500 and the answer's body, null when it has none. */
export interface VaultAnswer {
  readonly status: number;
  readonly body: unknown;
}

const BODY_BYTES_MAX = 1 << 20;
const TIMEOUT_MS = 5_000;
const CIRCUIT = { failuresMax: 5, pauseMs: 10_000 };
const MOUNT = /^[a-z0-9][a-z0-9_-]{0,63}(?:\/[a-z0-9][a-z0-9_-]{0,63}){0,3}$/;
const NAMESPACE = /^[a-zA-Z0-9][a-zA-Z0-9_/-]{0,127}$/;
const TOKEN = /^[!-~]{1,4096}$/;

type Method = 'GET' | 'POST' | 'DELETE';

export class VaultClient {
  readonly #options: VaultOptions;
  readonly #origin: URL;
  readonly #agent: Agent;
  readonly #circuit: Circuit;
  #token: string;
  #isClosed = false;

  /** CONFIGURATION when an option breaks its rule, or a file cannot be read. Nothing is asked of the server. */
  constructor(options: VaultOptions) {
    this.#options = options;
    this.#origin = originOf(options.address);
    const { mount = 'transit', namespace } = options;
    if (!MOUNT.test(mount) || (namespace !== undefined && !NAMESPACE.test(namespace))) {
      throw new KmsError('CONFIGURATION');
    }
    this.#agent = new Agent({ keepAlive: true, ca: readText(options.caFile), minVersion: 'TLSv1.2' });
    this.#circuit = new Circuit(CIRCUIT, options.clock);
    this.#token = this.#readToken();
  }

  /** A request to the transit engine, `path` below its mount. Statuses that are refusals of the request come back. */
  async transit(method: Method, path: string, body?: object): Promise<VaultAnswer> {
    const answer = await this.#ask(method, `${this.#options.mount ?? 'transit'}/${path}`, body);
    if (answer.status !== 403) return answer;
    // A token that was renewed stands in the file.
    const token = this.#readToken();
    if (token === this.#token) throw new KmsError('PERMISSION_DENIED');
    this.#token = token;
    const second = await this.#ask(method, `${this.#options.mount ?? 'transit'}/${path}`, body);
    if (second.status === 403) throw new KmsError('PERMISSION_DENIED');
    return second;
  }

  /** Ends idle connections. Every later request is refused: CLOSED. */
  close(): void {
    this.#isClosed = true;
    this.#token = '';
    this.#agent.destroy();
  }

  /** UNAVAILABLE, TIMEOUT, SEALED, RESPONSE_MALFORMED, which count as failures; CIRCUIT_OPEN, CLOSED. */
  async #ask(method: Method, path: string, body: object | undefined): Promise<VaultAnswer> {
    if (this.#isClosed) throw new KmsError('CLOSED');
    if (!this.#circuit.admits()) throw new KmsError('CIRCUIT_OPEN');
    try {
      const answer = checkedAnswer(await this.#exchange(method, path, body));
      this.#circuit.succeeded();
      return answer;
    } catch (error) {
      this.#circuit.failed();
      throw error;
    }
  }

  #exchange(method: Method, path: string, body: object | undefined): Promise<RawAnswer> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const { namespace, timeoutMs = TIMEOUT_MS } = this.#options;
    const signal = AbortSignal.timeout(timeoutMs);
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => {
        payload?.fill(0);
        reject(new KmsError(signal.aborted || error.name === 'AbortError' ? 'TIMEOUT' : 'UNAVAILABLE'));
      };
      const asked = request(
        {
          host: this.#origin.hostname.replace(/^\[|\]$/g, ''),
          port: this.#origin.port === '' ? 443 : Number(this.#origin.port),
          path: `/v1/${path}`,
          method,
          agent: this.#agent,
          signal,
          headers: {
            'x-vault-request': 'true',
            'x-vault-token': this.#token,
            ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
            ...(payload !== undefined && {
              'content-type': 'application/json',
              'content-length': payload.length,
            }),
          },
        },
        (response) => {
          const parts: Buffer[] = [];
          let length = 0;
          response.on('data', (part: Buffer) => {
            length += part.length;
            parts.push(part);
            if (length > BODY_BYTES_MAX) response.destroy(new Error('too large'));
          });
          response.on('error', refuse);
          response.on('end', () => {
            payload?.fill(0);
            resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(parts) });
          });
        },
      );
      asked.on('error', refuse);
      asked.end(payload);
    });
  }

  #readToken(): string {
    const token = readText(this.#options.tokenFile).trim();
    if (!TOKEN.test(token)) throw new KmsError('CONFIGURATION');
    return token;
  }
}

interface RawAnswer {
  readonly status: number;
  readonly bytes: Buffer;
}

/** Statuses of Vault: 200 and 204 done, 400, 403, 404, 405 refused, 429 too many, 503 sealed, others faults. */
function checkedAnswer({ status, bytes }: RawAnswer): VaultAnswer {
  if (status === 503) throw new KmsError('SEALED');
  if (status >= 500 || status === 429 || status === 472 || status === 473) throw new KmsError('UNAVAILABLE');
  const isKnown = [200, 204, 400, 403, 404, 405].includes(status);
  if (!isKnown) throw new KmsError('RESPONSE_MALFORMED');
  if (bytes.length === 0) return { status, body: null };
  try {
    return { status, body: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown };
  } catch {
    throw new KmsError('RESPONSE_MALFORMED');
  } finally {
    bytes.fill(0);
  }
}

function originOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isPlain = url !== null && `${url.origin}/` === url.href && url.username === '';
  if (!isPlain || url.protocol !== 'https:') throw new KmsError('CONFIGURATION');
  return url;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new KmsError('CONFIGURATION');
  }
}
