/**
 * An encrypted dataset with everything round it, made of real parts: a CSV file, the provider's encryption of it, a
 * custodian in this process with the real key, and the platform's side that holds no key.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, thumbprintOf } from '#crypto/ed25519-key.ts';
import { keyDigestOf } from '#crypto/he/dataset-files.ts';
import { openManifest } from '#crypto/he/dataset-manifest.ts';
import { SlotDecryptor as Slots, sumOfSlots } from '#crypto/he/decrypt.ts';
import { encryptDataset } from '#crypto/he/encrypt-dataset.ts';
import {
  type AttestedAnswer,
  CIRCUITS,
  openOrder,
  signAttestation,
  valuesDigestOf,
} from '#crypto/he/order.ts';
import { type KeySet, Seal } from '#crypto/he/seal.ts';
import { Custodian as KeyCustodian } from '#gateway/custodian/custodian.ts';
import { isEncrypted, shapeOf, type EncryptedDataset } from '#sandbox/encrypted/circuits.ts';
import { descriptionOf, type EncryptionChoice, planEncryption } from '#sandbox/encrypted/encryption-plan.ts';
import { type EncryptedFiles, openEncryptedFiles } from '#sandbox/encrypted/files.ts';
import {
  type Custodian,
  type EncryptedMeans,
  type EncryptedPlan,
  measureEncrypted,
} from '#sandbox/encrypted/measure.ts';
import { noiseOfOrder } from '#sandbox/encrypted/order-noise.ts';
import { registrationOf } from '#sandbox/encrypted/registration.ts';
import { boundRows } from '#sandbox/encrypted/rows.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import { fileOf } from '#sandbox/reader/source.ts';
import { openReader } from '#sandbox/reader/reader.ts';
import { type Compiled, compileQuery } from '#sandbox/query/compile.ts';
import { noiseText } from '#sandbox/release/noise.ts';
import { present } from '#sandbox/release/present.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { release } from '#sandbox/release/release.ts';

/** Near-exact by price: ε of 1e10, at which noise is never drawn. */
export const EXACT_POLICY = {
  kind: 'ReleasePolicy',
  mechanism: 'gaussian',
  budget: { epsilon: 1e10, delta: 1e-3 },
  perJob: { epsilon: 1e10, delta: 1e-6, thresholdDelta: 1e-7 },
  maxGroupsPerUnit: 64,
  maxRowsPerUnit: 8,
  jail: 'preferred',
};

export interface SceneData {
  /** dataset.yaml without its source. */
  readonly manifest: object;
  readonly csv: string;
  readonly choice: Partial<EncryptionChoice>;
}

export class EncryptedScene implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'unseen-encrypted-'));
  readonly orderKey = generateSigningKey();
  readonly custodianKey = generateSigningKey();
  readonly provider = generateSigningKey();
  plain!: Dataset;
  dataset!: EncryptedDataset;
  files!: EncryptedFiles;
  keys!: KeySet;
  custodian!: Custodian;
  #seal!: Seal;
  #keeper!: KeyCustodian;

  static async make(data: SceneData): Promise<EncryptedScene> {
    const scene = new EncryptedScene();
    await scene.#encrypt(data);
    scene.#keep();
    return scene;
  }

  async #encrypt({ manifest, csv, choice }: SceneData): Promise<void> {
    const source = join(this.directory, 'rows.csv');
    writeFileSync(source, csv);
    const file = join(this.directory, 'dataset.yaml');
    this.plain = parseDataset(JSON.stringify({ ...manifest, source: { type: 'csv', path: source } }), {
      path: file,
    });
    const plan = planEncryption(this.plain, {
      clear: [],
      columns: null,
      nullable: [],
      profile: 'bfv-agg-8k',
      rowsPerUnit: 8,
      keyId: 'key-1',
      ...choice,
    });
    this.#seal = await Seal.open(plan.choice.profile);
    this.keys = this.#seal.generateKeys();
    const { publicKey, relinKeys } = this.keys;
    const description = descriptionOf(plan, {
      publicKeyDigest: keyDigestOf(publicKey),
      relinKeysDigest: keyDigestOf(relinKeys),
      createdAt: '2026-02-03T04:05:06Z',
    });
    const directory = join(this.directory, 'rows.enc');
    const reader = await openReader({ source: fileOf(this.plain), jail: 'preferred' });
    try {
      const rows = await boundRows(reader, plan, 'a seed');
      const jws = await encryptDataset({
        directory,
        description,
        publicKey,
        relinKeys,
        signingKey: this.provider,
        groups: rows.groups(),
      });
      const { digest } = await openManifest(jws, [this.provider.publicJwk]);
      const registration = registrationOf(plan, {
        path: directory,
        manifestDigest: digest,
        provider: this.provider.publicJwk.x,
        custodianKey: this.custodianKey.publicJwk.x,
        custodian: {
          url: 'https://custodian.test:8443',
          ca: 'ca.pem',
          cert: 'runner.pem',
          certKey: 'runner.key',
          orderKey: 'order.jwk',
        },
      });
      const dataset = parseDataset(JSON.stringify(registration), { path: file });
      if (!isEncrypted(dataset)) throw new RangeError('an encrypted dataset says so');
      this.dataset = dataset;
      this.files = await openEncryptedFiles(dataset);
    } finally {
      await reader.close();
    }
  }

  /** A custodian of this key; `changes` for what a test breaks. */
  #keep(): void {
    const slots = new Slots(this.#seal, this.keys.secretKey);
    const plenty = { epsilon: 1e12, delta: 0.5 };
    this.#keeper = KeyCustodian.open({
      directory: mkdtempSync(join(this.directory, 'custodian-')),
      rules: {
        platformKeys: [this.orderKey.publicJwk],
        circuits: CIRCUITS,
        purposes: ['public_health'],
        limits: {
          perOrder: { ...plenty, outputs: 1000 },
          perKey: { ...plenty, orders: 1000, releases: 100_000 },
        },
        times: { lifetimeMs: 10 * 60_000, clockSkewMs: 1000 },
        concurrency: 4,
      },
      key: this.custodianKey,
      log: { name: 'custodian.test/log', key: generateSigningKey() },
      datasets: new Map([
        [
          `sha256:${this.dataset.encryption.manifestDigest}`,
          { keyId: this.dataset.encryption.keyId, shape: shapeOf(this.dataset) },
        ],
      ]),
      decryptorOf: () => ({
        decrypt: (ciphertext) => Promise.resolve(slots.decryptSlots(ciphertext)),
        close: () => Promise.resolve(),
      }),
      random: secureRandom(),
      now: Date.now,
    });
    const keeper = this.#keeper;
    this.custodian = {
      answer: async (order, ciphertexts) =>
        parseAnswer(await keeper.answer(order, Buffer.concat(ciphertexts))),
    };
  }

  /** A broken custodian: it signs that it added the noise, and added none. */
  get silentCustodian(): Custodian {
    return {
      answer: async (jws, ciphertexts) => {
        const { order, plan, digest } = await openOrder(jws, {
          keys: [this.orderKey.publicJwk],
          audience: this.custodianKid,
        });
        const { plainModulus } = this.#seal.profile;
        const values = ciphertexts.map((bytes) => sumOfSlots(this.slotsOf(bytes), plainModulus));
        const attestation = await signAttestation(
          {
            orderId: order.orderId,
            orderDigest: digest,
            keyId: order.keyId,
            manifestDigest: order.manifestDigest,
            mechanism: plan.mechanism,
            noise: noiseOfOrder(plan, shapeOf(this.dataset)).map(noiseText),
            valuesDigest: valuesDigestOf(values),
            release: { order: '1', values: String(values.length) },
            log: { size: '1', root: '0'.repeat(64) },
            issuedAt: new Date().toISOString(),
          },
          this.custodianKey,
        );
        return { attestation, values };
      },
    };
  }

  /** Slots of a masked ciphertext, as the custodian sees them. */
  slotsOf(ciphertext: Uint8Array): BigUint64Array {
    using slots = new Slots(this.#seal, this.keys.secretKey);
    return slots.decryptSlots(ciphertext);
  }

  compile(sql: string, policy: object = EXACT_POLICY, dataset: Dataset = this.dataset): Compiled {
    const parsed: ReleasePolicy = parsePolicy(JSON.stringify(policy), {
      path: join(this.directory, 'policy.yaml'),
    });
    return compileQuery(
      { sql, epsilon: null, delta: null },
      {
        datasets: [dataset],
        policyOf: () => parsed,
        versionIdOf: () => 'version',
        defaultTiming: { mode: 'exact' },
      },
    );
  }

  means(changes: Partial<EncryptedMeans> = {}): EncryptedMeans {
    return {
      custodian: this.custodian,
      orderKey: this.orderKey,
      orderId: randomUUID(),
      random: secureRandom(),
      jail: 'preferred',
      purpose: 'public_health',
      now: Date.now,
      ...changes,
    };
  }

  measure(compiled: Compiled, changes: Partial<EncryptedMeans> = {}): ReturnType<typeof measureEncrypted> {
    const plan = compiled.plan as EncryptedPlan;
    return measureEncrypted({ plan, dataset: this.dataset }, this.files, this.means(changes));
  }

  /** The rows of an answer over encrypted data. */
  async answer(sql: string, policy: object = EXACT_POLICY): Promise<unknown> {
    const compiled = this.compile(sql, policy);
    const { partials } = await this.measure(compiled);
    return valuesOf(compiled, release(compiled.plan, partials, null));
  }

  get custodianKid(): string {
    return thumbprintOf(this.custodianKey.publicJwk);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper.close();
    this.#seal[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Keys and values as they are shown, without error bars. */
function valuesOf(compiled: Compiled, cells: ReturnType<typeof release>): unknown {
  return present(compiled.plan, cells, compiled.presentation);
}

function parseAnswer(body: string): AttestedAnswer {
  const { attestation, values } = JSON.parse(body) as { attestation: string; values: string[] };
  return { attestation, values: values.map(BigInt) };
}
