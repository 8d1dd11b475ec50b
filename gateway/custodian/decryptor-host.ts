/**
 * Holds a secret key at arm's length: a child process that opens it from the store and decrypts one ciphertext at a time.
 *
 * Guarantee: this process never has the secret key. A child that fails, answers wrongly or takes too long is killed;
 * the next ciphertext begins with a new one. Nothing is decrypted twice.
 * Not covered: the data key of the sealed key passes through this process, and is wiped.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SlotDecryptor } from './decryptor.ts';
import type { SealedKey } from './key-store.ts';

export type DecryptorRequest =
  | { readonly type: 'open'; readonly key: SealedKey }
  | { readonly type: 'decrypt'; readonly ciphertext: Uint8Array };

export type DecryptorResponse =
  | { readonly type: 'opened' }
  | { readonly type: 'slots'; readonly slots: BigUint64Array };

const PROCESS = fileURLToPath(new URL('./decryptor-process.ts', import.meta.url));
/** Opening the library searches for primes for some seconds. */
const OPEN_MS = 60_000;
const DECRYPT_MS = 10_000;

export class DecryptorHost implements SlotDecryptor {
  readonly #fetch: () => Promise<SealedKey>;
  #child: Promise<ChildProcess> | null = null;
  /** One request after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** `fetch` gives the sealed key anew for each process. */
  constructor(fetch: () => Promise<SealedKey>) {
    this.#fetch = fetch;
  }

  /** Starts the process before it is needed. Rejects when the key does not open. */
  async warm(): Promise<void> {
    await this.#inTurn(() => this.#running());
  }

  decrypt(ciphertext: Uint8Array): Promise<BigUint64Array> {
    return this.#inTurn(async () => {
      const child = await this.#running();
      try {
        // A view of a larger buffer would be sent whole.
        const request = { type: 'decrypt', ciphertext: new Uint8Array(ciphertext) } as const;
        const response = await exchange(child, request, DECRYPT_MS);
        if (response.type !== 'slots') throw new RangeError('a decryptor answered something else');
        return response.slots;
      } catch (error) {
        this.#kill(child);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#inTurn(async () => {
      const child = await this.#child?.catch(() => null);
      if (child !== null && child !== undefined) this.#kill(child);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #running(): Promise<ChildProcess> {
    if (this.#isClosed) throw new RangeError('a closed decryptor');
    if (this.#child === null) {
      const starting = this.#start();
      starting.catch(() => (this.#child = null));
      this.#child = starting;
    }
    return this.#child;
  }

  async #start(): Promise<ChildProcess> {
    const key = await this.#fetch();
    const child = fork(PROCESS, [], {
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning', '--permission', '--allow-fs-read=*'],
      serialization: 'advanced',
      // Not even an engine's last words about what it did with a key.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // Told to whoever waits for an answer; without a listener it would end this process.
    child.on('error', () => undefined);
    child.once('exit', () => (this.#child = null));
    try {
      const response = await exchange(child, { type: 'open', key }, OPEN_MS);
      if (response.type !== 'opened') throw new RangeError('a decryptor answered something else');
      return child;
    } catch (error) {
      this.#kill(child);
      throw error;
    } finally {
      key.dataKey.fill(0);
    }
  }

  #kill(child: ChildProcess): void {
    child.kill('SIGKILL');
    this.#child = null;
  }
}

/** One request and its response. Rejects when the process ends, or the time. */
function exchange(
  child: ChildProcess,
  request: DecryptorRequest,
  limitMs: number,
): Promise<DecryptorResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<DecryptorResponse>();
  const failed = (): void => reject(new RangeError('a decryptor ended'));
  const timer = setTimeout(failed, limitMs);
  child.once('message', resolve);
  child.once('exit', failed);
  child.send(request, (error) => {
    if (error !== null) failed();
  });
  return promise.finally(() => {
    clearTimeout(timer);
    child.removeListener('message', resolve);
    child.removeListener('exit', failed);
  });
}
