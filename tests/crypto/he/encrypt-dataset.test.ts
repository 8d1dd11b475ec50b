/** `encryptDataset`: what is written decrypts to the rows; interrupted runs go on; whatever is wrong is refused. */
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { DatasetFiles } from '#crypto/he/dataset-files.ts';
import { type DatasetManifest, groupRanges, openManifest, partsOf } from '#crypto/he/dataset-manifest.ts';
import { SlotDecryptor, sumOfSlots } from '#crypto/he/decrypt.ts';
import { encryptDataset } from '#crypto/he/encrypt-dataset.ts';
import { EncryptionThreads } from '#crypto/he/encryption-threads.ts';
import { Evaluation } from '#crypto/he/evaluate.ts';
import { centred } from '#crypto/he/profiles.ts';
import type { RowGroup } from '#crypto/he/row-groups.ts';
import { rowOrder } from '#crypto/he/row-order.ts';
import { type KeySet, Seal } from '#crypto/he/seal.ts';
import { GROUPS, PROVIDER, describe as describeDataset, group, jobOf } from './sample-dataset.ts';

let seal: Seal;
let keys: KeySet;
let done: string;
let manifest: DatasetManifest;
const directories: string[] = [];

function fresh(): string {
  directories.push(mkdtempSync(`${tmpdir()}/unseen-he-`));
  return directories.at(-1)!;
}

beforeAll(async () => {
  seal = await Seal.open('bfv-agg-8k');
  keys = seal.generateKeys();
  done = fresh();
  const jws = await encryptDataset(jobOf(done, keys));
  ({ manifest } = await openManifest(jws, [PROVIDER.publicJwk]));
});
afterAll(() => {
  seal[Symbol.dispose]();
  for (const directory of directories) rmSync(directory, { recursive: true });
});

/** The sum of a part over a group, by encrypted computing. */
async function sumOf(
  directory: string,
  part: string,
  at: number,
  from: DatasetManifest = manifest,
): Promise<bigint> {
  await using files = new DatasetFiles(directory, from);
  using evaluation = new Evaluation(seal, {
    publicKey: await files.publicKey(),
    relinKeys: await files.relinKeys(),
  });
  using decryptor = new SlotDecryptor(seal, keys.secretKey);
  const sum = evaluation.startSum();
  const range = groupRanges(from)[at]!;
  for (let block = range.from; block < range.to; block += 1) sum.add(await files.block(part, block));
  const mask = new BigUint64Array(seal.profile.slots);
  const slots = decryptor.decryptSlots(evaluation.mask(sum.finish(), mask));
  return centred(seal.profile, sumOfSlots(slots, seal.profile.plainModulus));
}

function plainSum({ columns, rows }: RowGroup, part: string): bigint {
  if (part === '$rows') return BigInt(rows);
  const [cost, age] = columns;
  if (part === 'cost') return cost!.grid.reduce((sum, value) => sum + value - 50_000n, 0n);
  const isPresent = (row: number) => age!.present![row] === 1;
  if (part === 'age$present') return BigInt(age!.present!.filter(Boolean).length);
  return age!.grid.reduce((sum, value, row) => sum + (isPresent(row) ? value - 60n : 0n), 0n);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: Error) => error.message,
  );
}

test('the files are those of the manifest, and nothing else is left', () => {
  const parts = partsOf(manifest);
  expect(parts).toEqual(['$rows', 'cost', 'age', 'age$present']);
  expect(readdirSync(done).toSorted()).toEqual(
    [...parts.map((part) => `${part}.ct`), 'manifest.jws', 'public.key', 'relin.keys'].toSorted(),
  );
  expect(manifest.groups).toEqual([
    { values: ['north', true], blocks: 2 },
    { values: ['south', false], blocks: 1 },
    { values: [null, false], blocks: 1 },
  ]);
  // No ciphertext is the same twice, not even of the same zeros.
  const digests = manifest.parts.flatMap((part) => part.digests);
  expect(new Set(digests).size).toBe(parts.length * 4);
});

test('every part of every group decrypts to the sum of its rows', async () => {
  for (const [at, rows] of GROUPS.entries()) {
    for (const part of partsOf(manifest)) expect(await sumOf(done, part, at)).toBe(plainSum(rows, part));
  }
  expect(seal.liveHandles).toBe(0);
});

test('a run that is interrupted goes on, and blocks that are not on disk as noted are made again', async () => {
  const directory = fresh();
  function* interrupted(): Generator<RowGroup> {
    yield GROUPS[0]!;
    throw new Error('no more');
  }
  await expect(encryptDataset(jobOf(directory, keys, { groups: interrupted() }))).rejects.toThrow('no more');
  expect(readdirSync(directory)).toContain('journal.jsonl');
  expect(readdirSync(directory)).not.toContain('manifest.jws');
  const before = readFileSync(`${directory}/cost.ct`);
  // A line cut off by a crash, and a block that never reached the disk.
  writeFileSync(`${directory}/journal.jsonl`, '{"block":7,"dig', { flag: 'a' });
  const broken = Buffer.from(before);
  broken.fill(0, broken.length / 2);
  writeFileSync(`${directory}/cost.ct`, broken);
  const seen: number[] = [];
  // Signed on another day.
  const description = { ...describeDataset(keys), createdAt: '2026-02-04T00:00:00Z' };
  const jws = await encryptDataset(
    jobOf(directory, keys, { description, onProgress: ({ rows }) => seen.push(rows) }),
  );
  expect(seen.at(-1)).toBe(8_218);
  const opened = (await openManifest(jws, [PROVIDER.publicJwk])).manifest;
  const after = readFileSync(`${directory}/cost.ct`);
  const length = seal.profile.bytes.ciphertext.fresh;
  expect(after.subarray(0, length).equals(before.subarray(0, length))).toBe(true);
  // The block made again is not the one that was lost: its randomness is fresh.
  expect(after.subarray(length, 2 * length).equals(before.subarray(length, 2 * length))).toBe(false);
  for (const part of partsOf(opened)) {
    expect(await sumOf(directory, part, 0, opened)).toBe(plainSum(GROUPS[0]!, part));
  }
  // Products need rows of all columns in the same slots also across the two runs.
  expect(await productOf(directory, opened)).toBe(plainProduct(GROUPS[0]!));
});

async function productOf(directory: string, from: DatasetManifest): Promise<bigint> {
  await using files = new DatasetFiles(directory, from);
  using evaluation = new Evaluation(seal, keys);
  using decryptor = new SlotDecryptor(seal, keys.secretKey);
  const products = evaluation.startProducts();
  for (const block of [0, 1]) products.add(await files.block('cost', block), await files.block('age', block));
  const mask = new BigUint64Array(seal.profile.slots);
  const slots = decryptor.decryptSlots(evaluation.mask(products.finish(), mask));
  return centred(seal.profile, sumOfSlots(slots, seal.profile.plainModulus));
}

function plainProduct({ columns: [cost, age] }: RowGroup): bigint {
  return cost!.grid.reduce(
    (sum, value, row) => sum + (age!.present![row] === 1 ? (value - 50_000n) * (age!.grid[row]! - 60n) : 0n),
    0n,
  );
}

test('a run goes on only with the same rows and the same description', async () => {
  const directory = fresh();
  const stop: RowGroup[] = [GROUPS[1]!, { ...group('north', true, 3), rows: 4 }];
  expect(await codeOf(encryptDataset(jobOf(directory, keys, { groups: stop })))).toBe('ROW_SHAPE cost');
  const other = group('south', false, 17);
  other.columns[0]!.grid[3] = 1n;
  expect(await codeOf(encryptDataset(jobOf(directory, keys, { groups: [other] })))).toBe('JOURNAL_FOREIGN');
  const description = { ...describeDataset(keys), bounding: { rowsPerUnit: 5, maxRows: 100_000 } };
  expect(await codeOf(encryptDataset(jobOf(directory, keys, { description })))).toBe('JOURNAL_FOREIGN');
  writeFileSync(`${directory}/journal.jsonl`, 'nonsense\n');
  expect(await codeOf(encryptDataset(jobOf(directory, keys)))).toBe('JOURNAL_UNUSABLE');
});

test('what is finished is not touched again', async () => {
  expect(await codeOf(encryptDataset(jobOf(done, keys)))).toBe('ALREADY_ENCRYPTED');
});

test('rows out of bounds, of another shape, twice, undeclared or too many are refused', async () => {
  const refused = (groups: readonly RowGroup[]) => codeOf(encryptDataset(jobOf(fresh(), keys, { groups })));
  const changed = (change: (rows: RowGroup) => void): RowGroup[] => {
    const rows = group('north', true, 5);
    change(rows);
    return [rows];
  };
  expect(await refused(changed(({ columns }) => (columns[0]!.grid[4] = 100_001n)))).toBe('ROW_RANGE cost');
  expect(await refused(changed(({ columns }) => (columns[0]!.grid[4] = -1n)))).toBe('ROW_RANGE cost');
  expect(await refused(changed(({ columns }) => (columns[1]!.grid[1] = 121n)))).toBe('ROW_RANGE age');
  expect(await refused(changed(({ columns }) => (columns[1]!.present![1] = 2)))).toBe('ROW_SHAPE age');
  expect(await refused([{ ...group('north', true, 5), columns: [] }])).toBe('ROW_SHAPE');
  expect(await refused([{ ...group('north', true, 5), values: ['north'] }])).toBe('ROW_SHAPE');
  expect(await refused([{ ...group('north', true, 5), values: ['west', true] }])).toBe('ROW_SHAPE');
  expect(await refused([group('north', true, 5), group('north', true, 6)])).toBe('GROUP_REPEATED');
  expect(await refused([group('north', true, 100_001)])).toBe('ROWS_TOO_MANY');
  // An absent value may be anything: it is not encrypted.
  expect(await refused(changed(({ columns }) => (columns[1]!.grid[0] = 5_000n)))).toBe('none');
});

test('keys other than those described are refused', async () => {
  const other = seal.generateKeys();
  const job = jobOf(fresh(), keys);
  expect(await codeOf(encryptDataset({ ...job, publicKey: other.publicKey }))).toBe('DIGEST publicKey');
  expect(await codeOf(encryptDataset({ ...job, relinKeys: other.relinKeys }))).toBe('DIGEST relinKeys');
  expect(await codeOf(encryptDataset({ ...job, publicKey: keys.relinKeys }))).toBe('LENGTH');
});

test('files that were changed, shortened, extended or taken away are refused', async () => {
  const copy = fresh();
  for (const file of readdirSync(done)) copyFileSync(`${done}/${file}`, `${copy}/${file}`);
  const path = `${copy}/cost.ct`;
  const bytes = readFileSync(path);
  const read = async (part = 'cost', at = 1) => {
    await using files = new DatasetFiles(copy, manifest);
    return await codeOf(files.block(part, at));
  };
  expect(await read()).toBe('none');
  const flipped = Buffer.from(bytes);
  flipped[bytes.length / 4 + 200]! ^= 1;
  writeFileSync(path, flipped);
  expect(await read()).toBe('DIGEST cost');
  writeFileSync(path, bytes.subarray(0, -1));
  expect(await read()).toBe('FILE_LENGTH cost');
  writeFileSync(path, Buffer.concat([bytes, Buffer.of(0)]));
  expect(await read()).toBe('FILE_LENGTH cost');
  const half = bytes.length / 2;
  writeFileSync(path, Buffer.concat([bytes.subarray(half), bytes.subarray(0, half)]));
  expect(await read()).toBe('DIGEST cost');
  copyFileSync(`${done}/age.ct`, path);
  expect(await read()).toBe('DIGEST cost');
  rmSync(path);
  expect(await read()).toBe('FILE_ABSENT cost');
  expect(await read('other')).toBe('FILE_ABSENT other');
  expect(await read('age', 4)).toBe('FILE_ABSENT age');
  await using files = new DatasetFiles(copy, manifest);
  copyFileSync(`${done}/relin.keys`, `${copy}/public.key`);
  expect(await codeOf(files.publicKey())).toBe('FILE_LENGTH public.key');
  writeFileSync(`${copy}/public.key`, seal.generateKeys().publicKey);
  expect(await codeOf(files.publicKey())).toBe('DIGEST public.key');
});

test('a thread that refuses a block says why, and goes on', async () => {
  await using threads = new EncryptionThreads(1, { profile: 'bfv-agg-8k', publicKey: keys.publicKey });
  const [good, bad] = [BigInt64Array.of(1n), BigInt64Array.of(2n ** 60n)];
  expect(await codeOf(threads.encrypt({ values: [bad] }))).toBe('VALUE_RANGE');
  expect((await threads.encrypt({ values: [good] })).ciphertexts).toHaveLength(1);
});

test('the order of rows is a permutation, the same for a seed and another for another', () => {
  const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const order = rowOrder(70_000, a);
  expect([...order].toSorted((left, right) => left - right)).toEqual(
    Array.from({ length: 70_000 }, (_, at) => at),
  );
  expect(rowOrder(70_000, a)).toEqual(order);
  expect(rowOrder(70_000, b)).not.toEqual(order);
  // Each of the six orders of three, over 6,000 seeds: n = 6,000, 5 degrees of freedom; 29.9 is passed with 1.6e-5.
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 6_000; seed += 1) {
    const key = rowOrder(3, new Uint8Array(new Uint32Array(8).fill(seed + 1).buffer)).join();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  expect([...counts.values()].reduce((sum, seen) => sum + (seen - 1_000) ** 2 / 1_000, 0)).toBeLessThan(29.9);
});
