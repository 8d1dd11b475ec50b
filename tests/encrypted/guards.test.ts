/**
 * What stands between encrypted sums and a buyer: masks, the custodian's noise, its attestation.
 *
 * Negative controls: a runner that does not mask, a custodian that adds no noise, and partials that nobody attested.
 */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { openManifest, signManifest } from '#crypto/he/dataset-manifest.ts';
import type { AttestedAnswer } from '#crypto/he/order.ts';
import { Failure } from '#policies/refusal.ts';
import { startEvaluator } from '#sandbox/encrypted/evaluator.ts';
import { openEncryptedFiles } from '#sandbox/encrypted/files.ts';
import type { Custodian } from '#sandbox/encrypted/measure.ts';
import type { Plan } from '#sandbox/plan.ts';
import { NoisePool } from '#sandbox/release/noise-pool.ts';
import { stddevOf } from '#sandbox/release/noise.ts';
import { noiseOfPlan } from '#sandbox/release/planned-noise.ts';
import { RandomSource, secureRandom } from '#sandbox/release/random.ts';
import { release } from '#sandbox/release/release.ts';
import { csvOf } from '#tests/lab/small-data.ts';
import { EncryptedScene, EXACT_POLICY } from './scene.ts';

const ROWS = Array.from({ length: 40 }, (_, at) => ({
  uid: at % 20,
  region: at % 2 === 0 ? 'north' : 'south',
  stay: (at * 31) % 21,
}));
const TRUTH = ROWS.reduce((sum, { stay }) => sum + stay, 0);
const SQL = 'SELECT SUM(stay) FROM encrypted_visits';
/** σ of 34 at ρ of some 0.01, far from 0 and from the range. */
const NOISY_POLICY = {
  ...EXACT_POLICY,
  budget: { epsilon: 8, delta: 1e-6 },
  perJob: { epsilon: 1, delta: 1e-7 },
};

let scene: EncryptedScene;

beforeAll(async () => {
  scene = await EncryptedScene.make({
    manifest: {
      kind: 'Dataset',
      name: 'visits',
      privacyUnit: 'uid',
      origin: 'synthetic',
      maxRows: 100,
      columns: {
        uid: { type: 'integer', role: 'unit' },
        region: { type: 'string', role: 'key', values: ['north', 'south', 'west'] },
        stay: { type: 'integer', bounds: [0, 30] },
      },
    },
    csv: csvOf(ROWS),
    choice: { clear: ['region'], rowsPerUnit: 2 },
  });
}, 60_000);
afterAll(() => scene?.[Symbol.asyncDispose]());

/** A custodian that keeps what it was shown. */
function spied(): { readonly custodian: Custodian; readonly seen: Uint8Array[] } {
  const seen: Uint8Array[] = [];
  const answer: Custodian['answer'] = (order, ciphertexts) => {
    seen.push(...ciphertexts);
    return scene.custodian.answer(order, ciphertexts);
  };
  return { custodian: { answer }, seen };
}

/** Largest distance of the sorted slots, scaled to [0, 1), from the uniform distribution (Kolmogorov and Smirnov). */
function distanceFromUniform(slots: BigUint64Array, modulus: bigint): number {
  const scaled = Array.from(slots, (slot) => Number(slot) / Number(modulus)).toSorted((a, b) => a - b);
  return Math.max(...scaled.map((value, at) => Math.abs(value - (at + 0.5) / scaled.length)));
}

/** P(D > 0.03) < 2·exp(−2·8192·0.03²) < 1e-6 for 8,192 uniform slots (Massart). */
const UNIFORM_BELOW = 0.03;
const MODULUS = 35_184_371_613_697n;

describe('what the custodian decrypts', () => {
  test('is uniform in every slot, and another time another', async () => {
    const compiled = scene.compile(SQL);
    const [one, two] = [spied(), spied()];
    await scene.measure(compiled, { custodian: one.custodian });
    await scene.measure(compiled, { custodian: two.custodian });
    const [first, second] = [scene.slotsOf(one.seen[0]!), scene.slotsOf(two.seen[0]!)];
    expect(distanceFromUniform(first, MODULUS)).toBeLessThan(UNIFORM_BELOW);
    expect(first.filter((slot, at) => slot === second[at]).length).toBeLessThan(2);
  });

  test('negative control: a runner whose mask is zero shows it the rows', async () => {
    const { custodian, seen } = spied();
    await scene.measure(scene.compile(SQL), {
      custodian,
      random: new RandomSource((count) => new Uint8Array(count)),
    });
    expect(distanceFromUniform(scene.slotsOf(seen[0]!), MODULUS)).toBeGreaterThan(UNIFORM_BELOW);
  });

  test('is as long for a cell that nobody is in', async () => {
    const { custodian, seen } = spied();
    await scene.measure(scene.compile('SELECT region, SUM(stay) FROM encrypted_visits GROUP BY region'), {
      custodian,
    });
    expect(new Set(seen.map(({ length }) => length)).size).toBe(1);
    expect(distanceFromUniform(scene.slotsOf(seen[2]!), MODULUS)).toBeLessThan(UNIFORM_BELOW);
  });
});

describe('noise', () => {
  /** Whether 8 answers lie within 0.25 σ of the truth, all of them: with the Plan's noise a chance of 0.2^8 < 3e-6. */
  async function isNoiseless(custodian: Custodian): Promise<boolean> {
    const compiled = scene.compile(SQL, NOISY_POLICY);
    const sigma = stddevOf(noiseOfPlan(compiled.plan)[0]!);
    for (let run = 0; run < 8; run += 1) {
      const { partials } = await scene.measure(compiled, { custodian });
      if (Math.abs(Number(partials.vectors[0]![0]!) - TRUTH) > 0.25 * sigma) return false;
    }
    return true;
  }

  test('is in what the custodian returns', async () => {
    expect(await isNoiseless(scene.custodian)).toBe(false);
  }, 30_000);

  test('negative control: a custodian that adds none is noticed', async () => {
    expect(await isNoiseless(scene.silentCustodian)).toBe(true);
  }, 30_000);

  test('is not added a second time', async () => {
    const compiled = scene.compile(SQL, NOISY_POLICY);
    const { partials } = await scene.measure(compiled);
    const [cell] = release(compiled.plan, partials, null);
    expect(cell!.values[0]![0]!.exact).toBe(String(partials.vectors[0]![0]));
  });
});

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Failure) return error.code;
  throw error;
}

/** A custodian that changes what the real one answers. */
function changing(change: (answer: AttestedAnswer) => AttestedAnswer): Custodian {
  return {
    answer: async (order, ciphertexts) => change(await scene.custodian.answer(order, ciphertexts)),
  };
}

describe('an answer is refused', () => {
  test.for<[string, (answer: AttestedAnswer) => AttestedAnswer]>([
    [
      'over another vector',
      ({ attestation, values }) => ({ attestation, values: values.map((value) => value + 1n) }),
    ],
    ['with a number fewer', ({ attestation, values }) => ({ attestation, values: values.slice(1) })],
    [
      'whose attestation was changed',
      ({ attestation, values }) => ({
        // Its last character but one is another, whatever it was.
        attestation: attestation.replace(/.(?=.$)/, (was) => (was === 'A' ? 'B' : 'A')),
        values,
      }),
    ],
    ['without an attestation', ({ values }) => ({ attestation: '', values })],
  ])('%s', async ([, change]) => {
    const work = scene.measure(scene.compile(SQL, NOISY_POLICY), { custodian: changing(change) });
    expect(await failureOf(work)).toBe('CUSTODIAN_REFUSED');
  });

  test('to an earlier order', async () => {
    const compiled = scene.compile(SQL, NOISY_POLICY);
    const earlier: AttestedAnswer[] = [];
    await scene.measure(compiled, { custodian: changing((answer) => (earlier.push(answer), answer)) });
    const work = scene.measure(compiled, { custodian: changing(() => earlier[0]!) });
    expect(await failureOf(work)).toBe('CUSTODIAN_REFUSED');
  });

  test('of a custodian that is not the dataset’s', async () => {
    const plan: Plan = scene.compile(SQL, NOISY_POLICY).plan;
    const other = { ...plan, encrypted: { ...plan.encrypted!, custodian: generateSigningKey().publicJwk.x } };
    const compiled = { ...scene.compile(SQL, NOISY_POLICY), plan: other };
    // The custodian refuses an order for another one first; this one answers whatever it is asked.
    await expect(scene.measure(compiled)).rejects.toThrow('ORDER_AUDIENCE');
  });

  test('for a Plan with less noise than its own', async () => {
    const cheap = scene.compile(SQL, NOISY_POLICY);
    const { partials } = await scene.measure(scene.compile(SQL));
    expect(() => release(cheap.plan, partials, null)).toThrow('does not carry the noise');
  });
});

describe('Release', () => {
  test('takes no partials of encrypted data that nobody attested, also none that look the same', async () => {
    const { plan } = scene.compile(SQL, NOISY_POLICY);
    const { partials } = await scene.measure(scene.compile(SQL, NOISY_POLICY));
    expect(release(plan, partials, null)).toHaveLength(1);
    const pool = new NoisePool(plan, secureRandom());
    for (const forged of [{ ...partials }, { keys: null, vectors: [[1n]] }])
      expect(() => release(plan, forged, pool)).toThrow(Failure);
  });

  test('takes no partials of other data without noise', () => {
    const { plan } = scene.compile(SQL.replace('encrypted_', ''), NOISY_POLICY, scene.plain);
    expect(() => release(plan, { keys: null, vectors: [[1n]] }, null)).toThrow(RangeError);
  });
});

describe('files that are not as signed', () => {
  /** The dataset with one file changed. */
  function changedFile(name: string, change: (bytes: Buffer) => Buffer): string {
    const directory = join(
      scene.directory,
      `changed-${createHash('sha256').update(name).digest('hex').slice(0, 8)}-${Math.random()}`,
    );
    cpSync(scene.files.directory, directory, { recursive: true });
    writeFileSync(join(directory, name), change(readFileSync(join(directory, name))));
    return directory;
  }
  const flipped =
    (at: number) =>
    (bytes: Buffer): Buffer => {
      bytes[at]! ^= 1;
      return bytes;
    };

  test.for<[string, (bytes: Buffer) => Buffer]>([
    ['stay.ct', flipped(5_000)],
    ['stay.ct', (bytes) => bytes.subarray(0, -1)],
    ['stay.ct', (bytes) => Buffer.concat([bytes, Buffer.alloc(393_329)])],
    ['public.key', flipped(900)],
  ])('%s changed: SOURCE_CHANGED, and the custodian is not asked', async ([name, change]) => {
    const files = { ...scene.files, directory: changedFile(name, change) };
    const evaluation = async (): Promise<unknown> => {
      const evaluator = await startEvaluator(files, { jail: 'preferred' });
      const terms = [{ weight: '1', factors: ['stay'] }];
      return evaluator.cell([{ terms, ranges: [{ from: 0, to: 1 }] }], [new BigUint64Array(8192)]);
    };
    expect(await failureOf(evaluation())).toBe('SOURCE_CHANGED');
  });

  test('a manifest with another signature, digest or bounds than dataset.yaml says', async () => {
    const { source, encryption } = scene.dataset;
    const at = changedFile('manifest.jws', flipped(200));
    const moved = { ...scene.dataset, source: { ...source, path: at } as typeof source };
    expect(await failureOf(openEncryptedFiles(moved))).toBe('SOURCE_UNREADABLE');
    const said = (changes: object): Promise<string> =>
      failureOf(openEncryptedFiles({ ...scene.dataset, encryption: { ...encryption, ...changes } }));
    expect(await said({ manifestDigest: '0'.repeat(64) })).toBe('SOURCE_CHANGED');
    expect(await said({ provider: generateSigningKey().publicJwk.x })).toBe('SOURCE_UNREADABLE');
    expect(await said({ rowsPerUnit: 1 })).toBe('CONFIG');
    const columns = scene.dataset.columns.map((column) =>
      column.name === 'stay' ? { ...column, bounds: [0, 3] as const } : column,
    );
    expect(await failureOf(openEncryptedFiles({ ...scene.dataset, columns }))).toBe('CONFIG');
    const fewer = scene.dataset.columns.map((column) =>
      column.name === 'region' ? { ...column, values: ['north', 'west', 'south'] } : column,
    );
    expect(await failureOf(openEncryptedFiles({ ...scene.dataset, columns: fewer }))).toBe('CONFIG');
  });

  test('a manifest, signed anew, whose middle is not that of its bounds', async () => {
    const { source, encryption } = scene.dataset;
    const jws = readFileSync(join(scene.files.directory, 'manifest.jws'), 'utf8').trim();
    const { manifest } = await openManifest(jws, [scene.provider.publicJwk]);
    const { version: _version, ...said } = manifest;
    const columns = said.columns.map((column) => ({ ...column, mid: String(BigInt(column.mid) + 1n) }));
    const outcome = await signManifest({ ...said, columns }, scene.provider).then(
      async (moved) => {
        const at = changedFile('manifest.jws', () => Buffer.from(moved));
        const { digest } = await openManifest(moved, [scene.provider.publicJwk]);
        const dataset = {
          ...scene.dataset,
          source: { ...source, path: at } as typeof source,
          encryption: { ...encryption, manifestDigest: digest.replace('sha256:', '') },
        };
        return failureOf(openEncryptedFiles(dataset));
      },
      (error: { readonly code: string }) => error.code,
    );
    expect(outcome).toMatch(/^(CONFIG|MANIFEST_INCONSISTENT)$/);
  });
});
