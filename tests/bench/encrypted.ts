/**
 * HE1 to HE4: computing on encrypted columns, profile `bfv-agg-8k`, one thread unless it says otherwise.
 *
 * HE1 begins at the files, and HE2 counts what comes back from the threads; setting up an instance of the library and
 * its threads is outside, because both are kept. Keys are made anew each time.
 */
import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { DatasetFiles, keyDigestOf } from '#crypto/he/dataset-files.ts';
import { openManifest } from '#crypto/he/dataset-manifest.ts';
import { SlotDecryptor, sumOfSlots } from '#crypto/he/decrypt.ts';
import { encryptDataset } from '#crypto/he/encrypt-dataset.ts';
import { BlockEncryptor } from '#crypto/he/encrypt.ts';
import { EncryptionThreads } from '#crypto/he/encryption-threads.ts';
import { Evaluation } from '#crypto/he/evaluate.ts';
import { type KeySet, Seal } from '#crypto/he/seal.ts';
import { type Benchmark, lineOf, msOf, type Scale, type Subject } from './measure.ts';

const PROFILE = 'bfv-agg-8k';
const [SUM_VALUES, SCORED_ROWS, FEATURES, THREADS] = [1_000_000, 10_000, 30, 2];
const ROUNDS = 15;

/** What all four are measured over. */
interface Bench {
  readonly seal: Seal;
  readonly keys: KeySet;
  readonly small: boolean;
}

type Measured = Subject & { readonly samples: (bench: Bench) => Promise<readonly number[]> };

const MEASURED: readonly Measured[] = [
  {
    id: 'HE1',
    name: 'encrypted sum of 1 M values: files read, digests checked, ciphertexts loaded, added and masked',
    unit: 'ms',
    better: 'lower',
    against: 'at most 200',
    samples: sumFromFiles,
  },
  {
    id: 'HE2',
    name: 'values encrypted in a second by two threads, digests included',
    unit: '1/s',
    better: 'higher',
    against: 'at least 500000',
    samples: encryptionRates,
  },
  {
    id: 'HE3',
    name: 'linear score with public weights, 10,000 rows of 30 encrypted features, into one ciphertext',
    unit: 'ms',
    better: 'lower',
    against: 'at most 150',
    samples: linearScore,
  },
  {
    id: 'HE4',
    name: 'masked decryption: mask and fresh zero added, moduli switched, saved; loaded, decrypted, slots summed',
    unit: 'ms',
    better: 'lower',
    against: 'at most 50',
    samples: maskedDecryption,
  },
];

export const ENCRYPTED: Benchmark = {
  ids: MEASURED.map(({ id }) => id),
  async *run(asked, scale: Scale) {
    using seal = await Seal.open(PROFILE);
    const bench = { seal, keys: seal.generateKeys(), small: scale.small };
    for (const { samples, ...subject } of MEASURED.filter(({ id }) => asked.has(id))) {
      yield lineOf(subject, await samples(bench));
    }
  },
};

function valuesOf(count: number): BigInt64Array {
  return BigInt64Array.from({ length: count }, (_, at) => BigInt((at * 7_919) % 100_001) - 50_000n);
}

/** Times of `work`, after one that does not count. */
async function timesOf({ small }: Bench, work: () => Promise<unknown>): Promise<readonly number[]> {
  await work();
  const times: number[] = [];
  for (let round = 0; round < (small ? 2 : ROUNDS); round += 1) times.push(await msOf(work));
  return times;
}

async function sumFromFiles(bench: Bench): Promise<readonly number[]> {
  const directory = await mkdtemp(join(tmpdir(), 'unseen-bench-he-'));
  try {
    const files = await dataset(bench, directory);
    await using open = files;
    using evaluation = new Evaluation(bench.seal, bench.keys);
    const blocks = Math.ceil(rowsOf(bench) / bench.seal.profile.slots);
    const mask = new BigUint64Array(bench.seal.profile.slots).fill(7n);
    return await timesOf(bench, async () => {
      const sum = evaluation.startSum();
      for (let block = 0; block < blocks; block += 1) sum.add(await open.block('cost', block));
      evaluation.mask(sum.finish(), mask);
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}

function rowsOf({ small }: Bench): number {
  return small ? 10_000 : SUM_VALUES;
}

async function dataset({ keys, seal, ...bench }: Bench, directory: string): Promise<DatasetFiles> {
  const signingKey = generateSigningKey();
  const rows = rowsOf({ keys, seal, ...bench });
  const { publicKey, relinKeys } = keys;
  const bounds = {
    low: '-500',
    high: '500',
    granularity: '0.01',
    lowGrid: '-50000',
    highGrid: '50000',
    mid: '0',
  };
  const description = {
    name: 'bench',
    profile: PROFILE,
    plainModulus: String(seal.profile.plainModulus),
    keyId: 'bench',
    publicKeyDigest: keyDigestOf(publicKey),
    relinKeysDigest: keyDigestOf(relinKeys),
    bounding: { rowsPerUnit: 1, maxRows: rows },
    disclosedToPlatform: [],
    columns: [{ name: 'cost', ...bounds, nullable: false }],
    createdAt: '2026-01-01T00:00:00Z',
  } as const;
  const groups = [{ values: [], rows, columns: [{ grid: valuesOf(rows), present: null }] }];
  const columns = [...description.columns];
  const jws = await encryptDataset({
    directory,
    description: { ...description, columns, disclosedToPlatform: [] },
    publicKey,
    relinKeys,
    signingKey,
    groups,
  });
  return new DatasetFiles(directory, (await openManifest(jws, [signingKey.publicJwk])).manifest);
}

async function encryptionRates(bench: Bench): Promise<readonly number[]> {
  const { slots } = bench.seal.profile;
  const count = bench.small ? 2 * slots : SUM_VALUES;
  const values = valuesOf(count);
  await using threads = new EncryptionThreads(THREADS, { profile: PROFILE, publicKey: bench.keys.publicKey });
  const times = await timesOf(bench, async () => {
    const blocks = Array.from({ length: Math.ceil(count / slots) }, (_, at) =>
      threads.encrypt({ values: [values.slice(at * slots, (at + 1) * slots)] }),
    );
    await Promise.all(blocks);
  });
  return times.map((ms) => (count * 1_000) / ms);
}

async function linearScore(bench: Bench): Promise<readonly number[]> {
  using encryptor = new BlockEncryptor(bench.seal, bench.keys.publicKey);
  const { slots } = bench.seal.profile;
  const values = valuesOf(SCORED_ROWS);
  const columns = Array.from({ length: bench.small ? 2 : FEATURES }, () =>
    [0, slots].map((from) => encryptor.encryptBlock(values.subarray(from, from + slots))),
  );
  return timesOf(bench, async () => {
    using evaluation = new Evaluation(bench.seal, { ...bench.keys, relinKeys: null });
    const terms = columns.map((blocks, at) => ({
      sum: evaluation.addAll(blocks),
      weight: BigInt(at * 37 - 500),
    }));
    evaluation.linearCombination(terms);
  });
}

async function maskedDecryption(bench: Bench): Promise<readonly number[]> {
  const { slots, plainModulus } = bench.seal.profile;
  using encryptor = new BlockEncryptor(bench.seal, bench.keys.publicKey);
  using evaluation = new Evaluation(bench.seal, bench.keys);
  using decryptor = new SlotDecryptor(bench.seal, bench.keys.secretKey);
  const block = encryptor.encryptBlock(valuesOf(slots));
  const mask = new BigUint64Array(slots).fill(plainModulus / 3n);
  const times: number[] = [];
  for (let round = 0; round <= (bench.small ? 2 : ROUNDS); round += 1) {
    const sum = evaluation.addAll([block]);
    const ms = await msOf(async () =>
      sumOfSlots(decryptor.decryptSlots(evaluation.mask(sum, mask)), plainModulus),
    );
    if (round > 0) times.push(ms);
  }
  return times;
}
