/**
 * From a Plan and an open source to its Partials and noise, by whichever front end made the Plan: servers and lab alike.
 *
 * Guarantee: SQL runs in the reader, a program in a worker of its own, and nothing of either in this process.
 */
import { randomUUID } from 'node:crypto';
import type { Attestation } from '#crypto/he/order.ts';
import { type EncryptedDataset, isEncrypted } from '#sandbox/encrypted/circuits.ts';
import { measureEncrypted } from '#sandbox/encrypted/measure.ts';
import { measure } from '#sandbox/execute.ts';
import type { Compiled } from '#sandbox/planning.ts';
import type { ProgramPlan } from '#sandbox/program/compile.ts';
import { layersOfRun, type MeasuredProgram, measureProgram } from '#sandbox/program/measure.ts';
import type { NoisePool } from '#sandbox/release/noise-pool.ts';
import type { RandomSource } from '#sandbox/release/random.ts';
import type { WorkerSource } from '#sandbox/worker/pool.ts';
import type { OpenSource } from './sources.ts';

/** A lab has no grants, and so no purposes: what it asks for is research. */
const LAB_PURPOSE = 'public_research';

export interface MeasuringMeans {
  readonly workers: WorkerSource;
  /** What the answer is for, as a custodian is told; null or absent: nobody said. */
  readonly purpose?: string | null;
  /** The lineage's secret for keyed choices. */
  readonly seed: string;
  readonly random: RandomSource;
  /** Ends the work at once. */
  readonly signal?: AbortSignal;
}

/** What a request adds up to, bounded, with its noise. */
export type Measured = Pick<MeasuredProgram, 'partials'> & {
  /** Null: the noise is in the partials, and attested. */
  readonly noise: NoisePool | null;
  readonly attestation: Attestation | null;
  /** Layers of isolation that were in force, for the receipt. */
  readonly layers: readonly string[];
};

/** Fails and refuses as `measure` and `measureProgram` do; KILLED when it is called off. */
export async function measureCompiled(
  compiled: Compiled | ProgramPlan,
  source: OpenSource,
  means: MeasuringMeans,
): Promise<Measured> {
  const { plan, dataset, policy } = compiled;
  if (isEncrypted(dataset)) return measuredByCustodian(compiled, dataset, source, means);
  const { workers } = means;
  if (!('program' in compiled)) {
    const made = await source.use((engine) => measure(plan, dataset, engine, means), means.signal);
    return { ...made, attestation: null, layers: source.layers };
  }
  const made = await source.use(
    (engine) => measureProgram(compiled, { ...means, engines: [engine], workers, jail: policy.jail }),
    means.signal,
  );
  return { ...made, attestation: null, layers: layersOfRun(source.layers, made.layers) };
}

/** Encrypted data: their custodian adds the noise, and says so. */
async function measuredByCustodian(
  { plan: planned, policy }: Compiled,
  dataset: EncryptedDataset,
  { encrypted: source }: OpenSource,
  { purpose, random, signal }: MeasuringMeans,
): Promise<Measured> {
  const { encrypted } = planned;
  if (source === undefined || encrypted === undefined)
    throw new RangeError('a Plan over encrypted data has their files');
  const made = await measureEncrypted({ plan: { ...planned, encrypted }, dataset }, source.files, {
    ...source.link,
    random,
    signal,
    jail: policy.jail,
    now: Date.now,
    orderId: randomUUID(),
    purpose: purpose ?? LAB_PURPOSE,
  });
  return { ...made, noise: null };
}
