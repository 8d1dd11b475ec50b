/**
 * Asks a custodian: HTTPS with certificates on both sides, time-outs, and the identical order again where that is safe.
 *
 * Guarantee: what is sent again is the same bytes, which a custodian answers with the same bytes; a custodian that is
 * down, slow, busy or restarted is asked until the time is over, one that refused is not asked again. Nothing is
 * taken from the answer of a server without the given authority's certificate.
 * Not covered: whether the answer is attested for the order (crypto/he/order.ts, `openAttestation`).
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type AttestedAnswer, ORDER_CODES } from '#crypto/he/order.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { renderFrame } from './frame.ts';

/** Where a custodian is; files are PEM. */
export interface CustodianAddress {
  readonly url: string;
  /** The authority of the custodian's certificate. */
  readonly ca: string;
  /** Who asks, and the private key of that certificate. */
  readonly cert: string;
  readonly certKey: string;
}

export interface ClientTimes {
  /** From sending to the last byte of the answer, of one attempt. */
  readonly attemptMs: number;
  /** Of all attempts. */
  readonly totalMs: number;
}

const TIMES: ClientTimes = { attemptMs: 60_000, totalMs: 180_000 };
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** An answer has at most some thousand integers. */
const ANSWER_BYTES_MAX = 4 << 20;

const answerSchema = z.strictObject({
  attestation: z.string(),
  values: z.array(z.string().regex(/^(?:0|[1-9]\d{0,37})$/)),
});
const refusalSchema = z.strictObject({ code: z.string().regex(/^[A-Z_]{1,40}$/) });

/** What one attempt came to. */
type Attempt = { readonly status: number; readonly body: string } | { readonly fault: 'down' | 'slow' };

export class CustodianClient {
  readonly #url: URL;
  readonly #agent: Agent;
  readonly #times: ClientTimes;

  /** Failure CONFIG for an address that is none, or a file that cannot be read. */
  constructor({ url, ca, cert, certKey }: CustodianAddress, times: Partial<ClientTimes> = {}) {
    if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
      throw new Failure('CONFIG', say('custodian.address', { address: url }));
    this.#url = new URL('/v1/orders', url);
    this.#times = { ...TIMES, ...times };
    this.#agent = new Agent({
      ca: read(ca),
      cert: read(cert),
      key: read(certKey),
      minVersion: 'TLSv1.3',
      keepAlive: false,
      rejectUnauthorized: true,
    });
  }

  /**
   * The answer to an order. Failure CUSTODIAN_UNAVAILABLE (down, slow), CUSTODIAN_REFUSED (with its code; spent; or an
   * answer that is none). A signal that aborts ends it with the signal's reason.
   */
  async answer(
    order: string,
    ciphertexts: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<AttestedAnswer> {
    const body = renderFrame(order, ciphertexts);
    const end = performance.now() + this.#times.totalMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      signal?.throwIfAborted();
      const left = end - performance.now();
      const attempt = await this.#send(body, Math.min(this.#times.attemptMs, left), signal);
      signal?.throwIfAborted();
      if ('status' in attempt && attempt.status !== 503) return answerOf(attempt);
      if (performance.now() + pause >= end) throw this.#unavailable(attempt);
      await sleep(pause, undefined, signal === undefined ? {} : { signal });
    }
  }

  #unavailable(attempt: Attempt): Failure {
    const { host } = this.#url;
    const isDown = 'fault' in attempt && attempt.fault === 'down';
    return new Failure('CUSTODIAN_UNAVAILABLE', say(isDown ? 'custodian.down' : 'custodian.slow', { host }));
  }

  #send(body: Uint8Array, limitMs: number, signal?: AbortSignal): Promise<Attempt> {
    return new Promise((resolve) => {
      const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, headers, signal }, (response) => {
        const chunks: Uint8Array[] = [];
        let length = 0;
        response.on('data', (chunk: Uint8Array) => {
          length += chunk.length;
          if (length > ANSWER_BYTES_MAX) sent.destroy();
          else chunks.push(chunk);
        });
        response.once('end', () =>
          finish({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
        response.once('error', () => finish({ fault: 'down' }));
      });
      const timer = setTimeout(() => {
        finish({ fault: 'slow' });
        sent.destroy();
      }, limitMs);
      const finish = (attempt: Attempt): void => {
        clearTimeout(timer);
        resolve(attempt);
      };
      sent.once('error', () => finish({ fault: 'down' }));
      sent.end(body);
    });
  }
}

function answerOf({ status, body }: { readonly status: number; readonly body: string }): AttestedAnswer {
  const value = jsonOrNull(body);
  if (status === 200) {
    const answer = answerSchema.safeParse(value);
    if (!answer.success) throw new Failure('CUSTODIAN_REFUSED', say('custodian.foreign'));
    return { attestation: answer.data.attestation, values: answer.data.values.map(BigInt) };
  }
  const code = refusalSchema.safeParse(value).data?.code ?? 'NO_CODE';
  if (code === 'ORDER_SPENT') throw new Failure('CUSTODIAN_REFUSED', say('custodian.spent'));
  const known = (ORDER_CODES as readonly string[]).includes(code) || SERVER_CODES.has(code);
  throw new Failure('CUSTODIAN_REFUSED', say('custodian.refused', { code: known ? code : 'NO_CODE' }));
}

const SERVER_CODES: ReadonlySet<string> = new Set([
  'CLIENT_UNKNOWN',
  'TOO_LARGE',
  'BODY_MALFORMED',
  'INTERNAL',
]);

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Failure('CONFIG', say('custodian.filesystem', { file }), { cause });
  }
}
