/**
 * A custodian, a platform that asks it and a small encrypted dataset, for tests.
 *
 * Here a "ciphertext" is its slots in the clear, 8 bytes little-endian each: the custodian learns exactly what the real
 * decryptor would give it. `SlotReader.seen` is all that a curious custodian can write down.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Digest, sha256Hex } from '#crypto/canonical.ts';
import { generateSigningKey, type SigningKey } from '#crypto/ed25519-key.ts';
import {
  CIRCUITS,
  type Order,
  type OrderMeasure,
  type OrderPlan,
  renderPlan,
  signOrder,
} from '#crypto/he/order.ts';
import { Custodian, type CustodianParts, type CustodianRules } from '#gateway/custodian/custodian.ts';
import type { SlotDecryptor } from '#gateway/custodian/decryptor.ts';
import type { EncryptedShape } from '#sandbox/encrypted/order-noise.ts';
import { secureRandom } from '#sandbox/release/random.ts';

export const NOW = Date.parse('2026-11-21T08:00:00Z');
/** A 45-bit prime, as a batching modulus is. */
export const MODULUS = 35_184_371_613_697n;
export const MANIFEST: Digest = `sha256:${sha256Hex('manifest')}`;
export const KEY_ID = 'key-1';

export const SHAPE: EncryptedShape = {
  modulus: MODULUS,
  rowsPerUnit: 3,
  maxRows: 10_000,
  maxCells: 16n,
  columns: new Map([
    ['cost', { lowGrid: 0n, highGrid: 1_000n, midGrid: 500n, nullable: false }],
    ['days', { lowGrid: -10n, highGrid: 30n, midGrid: 10n, nullable: true }],
  ]),
};

export const RULES: Omit<CustodianRules, 'platformKeys'> = {
  circuits: CIRCUITS,
  purposes: ['public_health'],
  limits: {
    perOrder: { epsilon: 1, delta: 1e-6, outputs: 64 },
    perKey: { epsilon: 1_000, delta: 1e-6, orders: 100, releases: 1_000 },
  },
  times: { lifetimeMs: 600_000, clockSkewMs: 30_000 },
  concurrency: 4,
};

/** SUM(cost): y and mid times the presence. */
export const SUM_OF_COST: OrderMeasure = {
  circuit: 'sum',
  terms: [
    { weight: '1', factors: ['cost'] },
    { weight: '500', factors: ['$rows'] },
  ],
  lowGrid: '0',
  highGrid: '1000',
};

export const COUNT: OrderMeasure = {
  circuit: 'count',
  terms: [{ weight: '1', factors: ['$rows'] }],
  lowGrid: '0',
  highGrid: '1',
};

export const PLAN: OrderPlan = {
  mechanism: 'gaussian',
  cost: { unit: 'rho', nano: '2000000' },
  rowsPerUnit: 3,
  cells: 2,
  measures: [SUM_OF_COST, COUNT],
};

/** Slots as a ciphertext of the test. */
export function ciphertextOf(slots: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(slots).buffer);
}

/** Reads test ciphertexts, and keeps what it read. */
export class SlotReader implements SlotDecryptor {
  readonly seen: BigUint64Array[] = [];
  /** Awaited before each reading. */
  gate: Promise<void> = Promise.resolve();

  async decrypt(ciphertext: Uint8Array): Promise<BigUint64Array> {
    await this.gate;
    if (ciphertext.length === 0 || ciphertext.length % 8 !== 0) throw new RangeError('no ciphertext');
    const slots = new BigUint64Array(ciphertext.slice().buffer);
    this.seen.push(slots);
    return slots;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export interface Answer {
  readonly attestation: string;
  readonly values: readonly bigint[];
}

export function parseAnswer(body: string): Answer {
  const { attestation, values } = JSON.parse(body) as { attestation: string; values: string[] };
  return { attestation, values: values.map(BigInt) };
}

/** What a test changes of an order. */
export interface OrderChanges extends Partial<Omit<Order, 'plan'>> {
  readonly planned?: OrderPlan;
  /** Instead of the plan's canonical text. */
  readonly planText?: string;
  readonly signedBy?: SigningKey;
}

/** A directory with a custodian in it. */
export class Scene implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'unseen-custodian-'));
  readonly platform = generateSigningKey();
  readonly key = generateSigningKey();
  readonly log = { name: 'custodian.test/log', key: generateSigningKey() };
  readonly reader = new SlotReader();
  readonly parts: CustodianParts;
  custodian: Custodian;
  now = NOW;
  #orders = 0;

  constructor(changes: Partial<CustodianParts> = {}, rules: Partial<CustodianRules> = {}) {
    this.parts = {
      directory: this.directory,
      rules: { ...RULES, platformKeys: [this.platform.publicJwk], ...rules },
      key: this.key,
      log: this.log,
      datasets: new Map([[MANIFEST, { keyId: KEY_ID, shape: SHAPE }]]),
      decryptorOf: (keyId) => (keyId === KEY_ID ? this.reader : null),
      random: secureRandom(),
      now: () => this.now,
      ...changes,
    };
    this.custodian = Custodian.open(this.parts);
  }

  /** Ends the custodian and begins it anew on the same directory, as after a kill. */
  restart(): void {
    this.custodian = Custodian.open(this.parts);
  }

  /** One ciphertext per output, each of these slots. */
  ciphertexts(count: number, slots: readonly bigint[] = [1n, 2n, 3n]): readonly Uint8Array[] {
    return Array.from({ length: count }, () => ciphertextOf(slots));
  }

  /** The payload of an order over the ciphertexts, with a new id. */
  orderFor(ciphertexts: readonly Uint8Array[], changes: OrderChanges = {}): Omit<Order, 'version'> {
    const { planned = PLAN, planText, signedBy: _, ...rest } = changes;
    return {
      orderId: `order-${(this.#orders += 1)}`,
      audience: this.key.kid,
      keyId: KEY_ID,
      manifestDigest: MANIFEST,
      planDigest: `sha256:${sha256Hex('the whole plan')}`,
      plan: planText ?? renderPlan(planned),
      outputs: ciphertexts.map((ciphertext, at) => ({
        measure: Math.floor(at / planned.cells),
        cell: at % planned.cells,
        circuit: planned.measures[Math.floor(at / planned.cells)]?.circuit ?? 'sum',
        ciphertextDigest: `sha256:${sha256Hex(ciphertext)}`,
      })),
      purpose: 'public_health',
      issuedAt: new Date(this.now - 1_000).toISOString(),
      expiresAt: new Date(this.now + 60_000).toISOString(),
      ...rest,
    };
  }

  /** A signed order over the ciphertexts. */
  order(ciphertexts: readonly Uint8Array[], changes: OrderChanges = {}): Promise<string> {
    return signOrder(this.orderFor(ciphertexts, changes), changes.signedBy ?? this.platform);
  }

  /** Signs and sends an order over so many equal ciphertexts as its plan has outputs. */
  async ask(changes: OrderChanges = {}, slots?: readonly bigint[]): Promise<Answer> {
    const { cells, measures } = changes.planned ?? PLAN;
    const ciphertexts = this.ciphertexts(cells * measures.length, slots);
    return parseAnswer(
      await this.custodian.answer(await this.order(ciphertexts, changes), Buffer.concat(ciphertexts)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.custodian.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What a call is refused with: its code, or the answer itself. */
export async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

/** The representative of a residue nearest to zero. */
export function centred(residue: bigint, modulus = MODULUS): bigint {
  const least = ((residue % modulus) + modulus) % modulus;
  return least > (modulus - 1n) / 2n ? least - modulus : least;
}
