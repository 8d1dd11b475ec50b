/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): what a repeated request is answered.
 *
 * The same key with another body is refused by the database. A twin that arrives while the first is under way in this
 * process is told so; in another process it waits for the first and gets its answer.
 */
import { createHash } from 'node:crypto';
import { say } from '#policies/words.ts';
import { HttpFault } from '../problem.ts';
import type { IdempotencyKey } from '../storage/idempotency.ts';

/** Reads the header. Null when there is none; HttpFault BAD_REQUEST when it is no key. */
export function idempotencyKeyOf(
  header: string | null,
  request: { readonly method: string; readonly path: string; readonly body: string },
): IdempotencyKey | null {
  if (header === null) return null;
  // The draft writes the key as a quoted string; clients send it bare as well.
  const key = header.replace(/^"(.*)"$/, '$1');
  if (!/^[\x21-\x7e]{1,128}$/.test(key)) throw new HttpFault('BAD_REQUEST', say('api.keyForm'));
  const { method, path, body } = request;
  return { key, bodyHash: createHash('sha256').update(`${method} ${path}\n${body}`).digest('hex') };
}

/** Requests with a key that are under way in this process. */
export class InFlight {
  readonly #keys = new Set<string>();

  /** Runs `work` unless a twin of it runs. HttpFault IN_FLIGHT. */
  async alone<Result>(
    account: string,
    idempotency: IdempotencyKey | null,
    work: () => Promise<Result>,
  ): Promise<Result> {
    if (idempotency === null) return work();
    const name = JSON.stringify([account, idempotency.key]);
    if (this.#keys.has(name)) throw new HttpFault('IN_FLIGHT', say('api.inFlight'), { 'retry-after': '1' });
    this.#keys.add(name);
    try {
      return await work();
    } finally {
      this.#keys.delete(name);
    }
  }
}
