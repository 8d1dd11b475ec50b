/**
 * Encryption on several cores: each thread has an instance of the library, and takes a block as soon as it is free.
 *
 * Guarantee: a thread that fails, or ends, fails whatever waits for it, with a code; disposing ends all of them.
 */
import { Worker } from 'node:worker_threads';

import { type HeCode, HeError } from './he-error.ts';
import type { ProfileName } from './profiles.ts';

export interface ThreadData {
  readonly profile: ProfileName;
  readonly publicKey: Uint8Array;
}

/** The slots of one block, for each part. */
export interface ThreadTask {
  readonly values: readonly BigInt64Array[];
}

/** The ciphertext of each part, and its SHA-256 in hex. */
export interface EncryptedBlock {
  readonly ciphertexts: readonly Uint8Array[];
  readonly digests: readonly string[];
}

type Reply = { readonly block: EncryptedBlock } | { readonly code: HeCode };

export class EncryptionThreads implements AsyncDisposable {
  readonly #threads: readonly Thread[];

  constructor(count: number, data: ThreadData) {
    this.#threads = Array.from({ length: count }, () => new Thread(data));
  }

  /** The thread with the least to do encrypts a block. HeError VALUE_RANGE, SPENT, TRAPPED, LIBRARY_UNUSABLE and others. */
  encrypt(task: ThreadTask): Promise<EncryptedBlock> {
    const [first, ...others] = this.#threads;
    const freest = others.reduce((best, thread) => (thread.waiting < best.waiting ? thread : best), first!);
    return freest.encrypt(task);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }
}

class Thread {
  readonly #worker: Worker;
  /** In the order in which they were asked, which is the order of the answers. */
  readonly #waiting: PromiseWithResolvers<EncryptedBlock>[] = [];
  #failure: HeError | null = null;

  constructor(data: ThreadData) {
    this.#worker = new Worker(new URL('./encrypt-thread.ts', import.meta.url), { workerData: data });
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', () => this.#fail());
    this.#worker.on('exit', () => this.#fail());
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  encrypt(task: ThreadTask): Promise<EncryptedBlock> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const answer = Promise.withResolvers<EncryptedBlock>();
    this.#waiting.push(answer);
    this.#worker.postMessage(
      task,
      task.values.map(({ buffer }) => buffer as ArrayBuffer),
    );
    return answer.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: Reply): void {
    const answer = this.#waiting.shift();
    if ('code' in reply) answer?.reject(new HeError(reply.code));
    else answer?.resolve(reply.block);
  }

  #fail(): void {
    this.#failure = new HeError('LIBRARY_UNUSABLE');
    for (const answer of this.#waiting.splice(0)) answer.reject(this.#failure);
  }
}
