/**
 * The key custodian: answers a signed order for masked sums once, with noise of its own.
 *
 * Read `answer` from top to bottom; the order of its steps is the argument:
 *
 * | step | what a crash after it leaves |
 * |---|---|
 * | checks of the order, its ciphertexts and the limits | nothing |
 * | reservation in the journal, on disk | the order is spent: asked again, it is refused as spent |
 * | noise drawn, ciphertexts decrypted, answer signed | the same; nothing has left |
 * | answer in the journal, on disk | the same order gets the same bytes |
 *
 * Guarantee: nothing is decrypted before it is counted; an answer leaves only once it is stored, and for one order only
 * one draw of noise ever leaves, however often and however concurrently it is asked. The noise follows from the plan
 * in the order and this custodian's own copy of the dataset manifest (sandbox/encrypted/order-noise.ts).
 * Not covered: that a ciphertext is the sum that the order says it is; whoever signs orders can substitute it, within
 * the limits per key.
 */
import { sha256Hex, type Digest } from '#crypto/canonical.ts';
import { toHex } from '#crypto/bytes.ts';
import type { PublicJwk, SigningKey } from '#crypto/ed25519-key.ts';
import {
  checkTimes,
  type Circuit,
  type OpenedOrder,
  openOrder,
  OrderError,
  type OrderTimes,
  signAttestation,
  valuesDigestOf,
} from '#crypto/he/order.ts';
import { isPurpose, type Purpose, purposePath } from '#policies/purpose.ts';
import { type EncryptedShape, noiseOfOrder } from '#sandbox/encrypted/order-noise.ts';
import { noiseText, type NoiseSpec, sampleVector } from '#sandbox/release/noise.ts';
import type { RandomSource } from '#sandbox/release/random.ts';
import { type KeyUse, type Limits, UNUSED, useAfter, useWith } from './budget.ts';
import { partsOf } from './frame.ts';
import type { SlotDecryptor } from './decryptor.ts';
import { Journal, type JournalEntry, type LogPosition } from './journal.ts';
import type { NoteSigner } from '#crypto/log/note.ts';

/** What a custodian allows. */
export interface CustodianRules {
  readonly platformKeys: readonly PublicJwk[];
  readonly circuits: readonly Circuit[];
  /** Each stands for itself and all purposes below it. */
  readonly purposes: readonly Purpose[];
  readonly limits: Limits;
  readonly times: OrderTimes;
  /** Orders that may be worked on at a time. */
  readonly concurrency: number;
}

/** An encrypted dataset that its provider signed and this custodian accepted. */
export interface AcceptedDataset {
  readonly keyId: string;
  readonly shape: EncryptedShape;
}

/** What a custodian is made of. */
export interface CustodianParts {
  readonly directory: string;
  readonly rules: CustodianRules;
  /** Signs attestations; its thumbprint is the custodian's name. */
  readonly key: SigningKey;
  readonly log: NoteSigner;
  readonly datasets: ReadonlyMap<string, AcceptedDataset>;
  /** The holder of a key that is in the store; null for any other. */
  readonly decryptorOf: (keyId: string) => SlotDecryptor | null;
  readonly random: RandomSource;
  readonly now: () => number;
}

/** Thrown when as many orders are worked on as may be; nothing was recorded, and the same order may be sent again. */
export class CustodianBusyError extends Error {
  constructor() {
    super('BUSY');
    this.name = 'CustodianBusyError';
  }
}

interface Known {
  readonly digest: string;
  readonly body: string | null;
}

export class Custodian {
  readonly #parts: CustodianParts;
  readonly #journal: Journal;
  /** By order id. */
  readonly #orders = new Map<string, Known>();
  readonly #uses = new Map<string, KeyUse>();
  /** Orders that are worked on, by digest. */
  readonly #underWay = new Map<string, Promise<string>>();

  private constructor(parts: CustodianParts) {
    this.#parts = parts;
    this.#journal = Journal.open(parts.directory, parts.log, (entry) => this.#apply(entry));
  }

  /** Opens the journal of a directory that the caller has locked. Failure CONFIG when it is not whole. */
  static open(parts: CustodianParts): Custodian {
    const custodian = new Custodian(parts);
    custodian.#record({ type: 'started', at: custodian.#time() });
    return custodian;
  }

  /**
   * The answer to an order over ciphertexts, which are `sent` one after the other: JSON `{attestation, values}`. OrderError with the first rule that does not hold;
   * CustodianBusyError; Failure MACHINE_FAULT when the journal cannot be written.
   */
  async answer(jws: string, sent: Uint8Array): Promise<string> {
    const { rules, key } = this.#parts;
    const opened = await openOrder(jws, { keys: rules.platformKeys, audience: key.kid });
    const ciphertexts = partsOf(sent, opened.order.outputs.length);
    try {
      // From here to the reservation nothing waits, so that no two calls can both find an order new.
      return await (this.#earlier(opened) ?? this.#begin(opened, ciphertexts));
    } catch (error) {
      if (error instanceof OrderError && error.code !== 'ORDER_SPENT') this.#recordRefusal(opened, error);
      throw error;
    }
  }

  /** The thumbprint of the key that signs attestations. */
  get name(): string {
    return this.#parts.key.kid;
  }

  /** What was reserved under each key. */
  get uses(): ReadonlyMap<string, KeyUse> {
    return this.#uses;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
    this.#journal.close();
  }

  /** What an order gets that was asked before: its answer, or that it is spent. Null for a new one. */
  #earlier({ order, digest }: OpenedOrder): Promise<string> | string | null {
    const known = this.#orders.get(order.orderId);
    if (known === undefined) return null;
    if (known.digest !== digest) throw new OrderError('ORDER_ID_USED');
    const underWay = this.#underWay.get(digest);
    if (underWay !== undefined) return underWay;
    if (known.body === null) throw new OrderError('ORDER_SPENT');
    return known.body;
  }

  #begin(opened: OpenedOrder, ciphertexts: readonly Uint8Array[]): Promise<string> {
    const { dataset, noise, decryptor } = this.#check(opened);
    checkCiphertexts(opened, ciphertexts);
    if (this.#underWay.size >= this.#parts.rules.concurrency) throw new CustodianBusyError();
    const { order, plan, digest } = opened;
    const use = this.#uses.get(order.keyId) ?? UNUSED;
    const after = useAfter(use, plan, order.outputs.length, this.#parts.rules.limits);
    const position = this.#record({
      type: 'reserved',
      at: this.#time(),
      orderId: order.orderId,
      orderDigest: digest,
      keyId: order.keyId,
      manifestDigest: order.manifestDigest,
      planDigest: order.planDigest,
      purpose: order.purpose,
      signer: opened.signer,
      order: after.orders,
      values: order.outputs.length,
      rhoNano: String(after.rhoNano - use.rhoNano),
    });
    const work = this.#decrypt({ opened, ciphertexts, dataset, noise, decryptor, after, position });
    this.#underWay.set(digest, work);
    // The caller has the rejection; this copy of the promise only tidies up.
    work.finally(() => this.#underWay.delete(digest)).catch(() => undefined);
    return work;
  }

  /** Everything about a new order that needs no ciphertext. */
  #check({ order, plan }: OpenedOrder): {
    readonly dataset: AcceptedDataset;
    readonly noise: readonly NoiseSpec[];
    readonly decryptor: SlotDecryptor;
  } {
    const { rules, datasets, decryptorOf, now } = this.#parts;
    checkTimes(order, now(), rules.times);
    const dataset = datasets.get(order.manifestDigest);
    if (dataset === undefined) throw new OrderError('MANIFEST_UNKNOWN');
    if (dataset.keyId !== order.keyId) throw new OrderError('KEY_UNKNOWN');
    if (!isAllowed(order.purpose, rules.purposes)) throw new OrderError('PURPOSE_FORBIDDEN');
    if (!plan.measures.every(({ circuit }) => rules.circuits.includes(circuit)))
      throw new OrderError('CIRCUIT_FORBIDDEN');
    const noise = noiseOfOrder(plan, dataset.shape);
    const decryptor = decryptorOf(order.keyId);
    if (decryptor === null) throw new OrderError('KEY_UNKNOWN');
    return { dataset, noise, decryptor };
  }

  async #decrypt(work: Work): Promise<string> {
    const { order } = work.opened;
    let body: string;
    try {
      body = await this.#made(work);
    } catch {
      // Nothing of why: what a secret key makes of a ciphertext is told to nobody.
      this.#record({ type: 'failed', at: this.#time(), orderId: order.orderId });
      throw new OrderError('ORDER_SPENT');
    }
    this.#record({ type: 'answered', at: this.#time(), orderId: order.orderId, body });
    return body;
  }

  async #made({ opened, ciphertexts, dataset, noise, decryptor, after, position }: Work): Promise<string> {
    const { order, plan, digest } = opened;
    const { modulus } = dataset.shape;
    // Drawn before anything is decrypted: how long a draw takes depends on its outcome.
    const draws = noise.flatMap((spec) => sampleVector(spec, plan.cells, this.#parts.random));
    const values: bigint[] = [];
    for (const [at, ciphertext] of ciphertexts.entries()) {
      const slots = await decryptor.decrypt(ciphertext);
      values.push(residueOf(sumOf(slots) + draws[at]!, modulus));
    }
    const attestation = await signAttestation(
      {
        orderId: order.orderId,
        orderDigest: digest,
        keyId: order.keyId,
        manifestDigest: order.manifestDigest,
        mechanism: plan.mechanism,
        noise: noise.map(noiseText),
        valuesDigest: valuesDigestOf(values),
        release: { order: String(after.orders), values: String(after.values) },
        log: { size: String(position.size), root: toHex(position.root) },
        issuedAt: this.#time(),
      },
      this.#parts.key,
    );
    return JSON.stringify({ attestation, values: values.map(String) });
  }

  /** Only of orders that a platform key signed: nobody else can fill the journal. */
  #recordRefusal({ order, digest, signer }: OpenedOrder, { code }: OrderError): void {
    const { orderId } = order;
    this.#record({ type: 'refused', at: this.#time(), orderId, orderDigest: digest, signer, code });
  }

  #record(entry: JournalEntry): LogPosition {
    const position = this.#journal.append(entry);
    this.#apply(entry);
    return position;
  }

  #apply(entry: JournalEntry): void {
    if (entry.type === 'reserved') {
      this.#orders.set(entry.orderId, { digest: entry.orderDigest, body: null });
      this.#uses.set(entry.keyId, useWith(this.#uses.get(entry.keyId) ?? UNUSED, entry));
    }
    if (entry.type === 'answered') {
      const { digest } = this.#orders.get(entry.orderId)!;
      this.#orders.set(entry.orderId, { digest, body: entry.body });
    }
  }

  #time(): string {
    return new Date(this.#parts.now()).toISOString();
  }
}

interface Work {
  readonly opened: OpenedOrder;
  readonly ciphertexts: readonly Uint8Array[];
  readonly dataset: AcceptedDataset;
  readonly noise: readonly NoiseSpec[];
  readonly decryptor: SlotDecryptor;
  readonly after: KeyUse;
  readonly position: LogPosition;
}

/** One ciphertext per output, each with the digest that the order gives. */
function checkCiphertexts({ order }: OpenedOrder, ciphertexts: readonly Uint8Array[]): void {
  const fits =
    ciphertexts.length === order.outputs.length &&
    order.outputs.every(({ ciphertextDigest }, at) => ciphertextDigest === digestOfBytes(ciphertexts[at]!));
  if (!fits) throw new OrderError('CIPHERTEXT_MISMATCH');
}

function digestOfBytes(bytes: Uint8Array): Digest {
  return `sha256:${sha256Hex(bytes)}`;
}

function isAllowed(purpose: string, allowed: readonly Purpose[]): boolean {
  return isPurpose(purpose) && purposePath(purpose).some((above) => allowed.includes(above));
}

function sumOf(slots: BigUint64Array): bigint {
  return slots.reduce((sum, slot) => sum + slot, 0n);
}

function residueOf(value: bigint, modulus: bigint): bigint {
  return ((value % modulus) + modulus) % modulus;
}
