/**
 * A buyer's program: an ES module with its manifest, as the rest of the sandbox sees it once both were read.
 *
 * Guarantee: two programs with one digest are the same program. This version has no imports, so the module is all
 * the code there is.
 */
import { createHash } from 'node:crypto';
import { digestOf } from '#crypto/canonical.ts';
import type { Scalar } from '../expression.ts';

/** `map`: one record at a time, stateless. `blocks`: any code, once per block of units (sample and aggregate). */
export type ProgramMode = 'map' | 'blocks';

/** The value of a parameter: part of the Plan, and so of its digest. */
export type ParamValue = number | string | boolean | readonly number[];

export type ParamType = 'number' | 'string' | 'boolean' | 'numbers';

export interface ParamSpec {
  readonly name: string;
  readonly type: ParamType;
  /** Null: it must be given. */
  readonly default: ParamValue | null;
}

/** A column as the program sees it: `name` in the program, `column` in the dataset. */
export interface ProgramInput {
  readonly name: string;
  readonly column: string;
}

/** One declared column of a `by`, with its public list in output order. */
export interface ByColumn {
  readonly name: string;
  readonly values: readonly Scalar[];
}

interface OutputBase {
  readonly name: string;
  /** Empty: one value for all. The order is that of the file. */
  readonly by: readonly ByColumn[];
  /** Whether noisy counts of records that fell to the default, and that were clamped, are outputs too. */
  readonly quality: boolean;
}

/** What is computed of the numbers that a program returns under a name. */
export type ProgramOutput =
  | (OutputBase & { readonly kind: 'count' })
  | (OutputBase & {
      readonly kind: 'sum' | 'mean' | 'variance';
      readonly bounds: readonly [number, number];
      readonly granularity: number | null;
    })
  | (OutputBase & {
      readonly kind: 'histogram';
      readonly bounds: readonly [number, number];
      readonly bins: number;
    })
  | (OutputBase & {
      readonly kind: 'quantile';
      readonly bounds: readonly [number, number];
      /** Each in [0, 1]. */
      readonly q: readonly number[];
    })
  /** In `map`: sums per entry, clipped per unit and cell to an L2 norm of `clip`. In `blocks`: a mean per entry, within `bounds`. */
  | (OutputBase & {
      readonly kind: 'vector';
      readonly length: number;
      readonly clip: number | null;
      readonly bounds: readonly [number, number] | null;
      readonly granularity: number | null;
    });

export interface ProgramManifest {
  readonly kind: 'Program';
  readonly name: string;
  readonly title: { readonly en: string; readonly zh: string } | null;
  readonly mode: ProgramMode;
  /** One private dataset in `map`; in `blocks` several of one unit domain. */
  readonly inputs: readonly { readonly dataset: string; readonly columns: readonly ProgramInput[] }[];
  readonly params: readonly ParamSpec[];
  readonly outputs: readonly ProgramOutput[];
  /** `map`: ticks per record. */
  readonly fuel: number;
  /** `blocks`: how many, and the processor time of each. */
  readonly blocks: { readonly count: number; readonly cpuMs: number } | null;
  /** `blocks`: what a failed block answers, by output; absent: the middle of its range. */
  readonly defaults: Readonly<Record<string, number>>;
  /** The file as it was read, as plain JSON: what the digest covers. */
  readonly source: unknown;
}

export interface Program {
  readonly module: string;
  readonly manifest: ProgramManifest;
  /** SHA-256(JCS({ module, manifest })): what approvals, grants and receipts name. */
  readonly digest: string;
}

/** `sha256:` and the digest of the module's UTF-8 bytes alone. */
export function moduleDigestOf(module: string): string {
  return `sha256:${createHash('sha256').update(module, 'utf8').digest('hex')}`;
}

/** `sha256:` and the digest of module and manifest together (RFC 8785 canonical form). */
export function programDigestOf(module: string, manifestSource: unknown): string {
  return `sha256:${digestOf({ module, manifest: manifestSource }).replace('sha256:', '')}`;
}
